import { useState, type ReactNode } from 'react';
import { lostByLeaving } from '@/lib/unsaved';
import { Button } from './controls';
import { Dialog, DialogActions } from './Dialog';

interface LeaveDialogProps {
  /** What is lost. */
  what?: string;
  onStay: () => void;
  onLeave: () => void;
}

/** Asks before what was typed is lost. */
export function LeaveDialog({
  what = lostByLeaving()[0] ?? 'What you typed',
  onStay,
  onLeave,
}: LeaveDialogProps) {
  return (
    <Dialog title="Leave without saving?" onClose={onStay} size="sm" testId="leave-dialog">
      <p>{what} is not saved. If you leave now, what you changed is lost.</p>
      <DialogActions>
        <Button emphasis="secondary" onClick={onLeave} data-testid="leave-anyway">
          Leave without saving
        </Button>
        <Button onClick={onStay} data-autofocus data-testid="leave-stay">
          Stay here
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** For a way back that is no other page: goes it at once, or asks when something would be lost by it. */
export function useLeave(
  leave: () => void,
  lost: () => string[] = lostByLeaving,
): [() => void, ReactNode] {
  const [what, setWhat] = useState<string | null>(null);
  const ask = () => {
    const [first] = lost();
    if (first === undefined) leave();
    else setWhat(first);
  };
  const dialog = what !== null && (
    <LeaveDialog
      what={what}
      onStay={() => setWhat(null)}
      onLeave={() => {
        setWhat(null);
        leave();
      }}
    />
  );
  return [ask, dialog];
}

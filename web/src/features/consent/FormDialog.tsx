import { useState, type FormEvent, type ReactNode } from 'react';
import { ApiError } from '@/api/errors';
import { Button, Dialog, DialogActions, Notice, Stack } from '@/ui';

/** Reads a trimmed text field of a form. */
export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

interface FormDialogProps {
  title: string;
  saveLabel: string;
  onSave: (form: FormData) => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
  testId?: string;
  /** False while a date is half typed: it would be saved as none. */
  isReady?: boolean;
}

/** A dialog with one form: stays open and says why if the server refuses. */
export function FormDialog(props: FormDialogProps) {
  const { title, saveLabel, onSave, onClose, children, testId, isReady = true } = props;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!isReady) return;
    setBusy(true);
    setProblem(null);
    try {
      await onSave(new FormData(event.currentTarget));
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'This could not be saved.');
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} size="lg">
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          {children}
          {problem !== null && (
            <Notice tone="bad" live="alert">
              {problem}
            </Notice>
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={!isReady} data-testid={testId}>
            {saveLabel}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

import { useState, type FormEvent, type ReactNode } from 'react';
import { ApiError } from '@/api/errors';
import { Button, Dialog, DialogActions, Notice, Stack } from '@/ui';

/** Reads a trimmed text field of a form. */
export function text(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}

interface FormDialogProps {
  title: string;
  saveLabel: string;
  onSave: (form: FormData) => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
  testId?: string;
  /** False while what the form begins with is not there yet, or a date is half typed: saving would write what nobody meant. */
  isReady?: boolean;
}

/** A dialog with one form: stays open and says why if the server refuses. */
export function FormDialog({
  title,
  saveLabel,
  onSave,
  onClose,
  children,
  testId,
  isReady = true,
}: FormDialogProps) {
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
      setProblem(
        error instanceof ApiError
          ? [error.message, ...error.fields.map((each) => `${each.field}: ${each.message}`)].join(
              ' ',
            )
          : 'This could not be saved.',
      );
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          {problem !== null && (
            <Notice tone="bad" live="alert">
              {problem}
            </Notice>
          )}
          {children}
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

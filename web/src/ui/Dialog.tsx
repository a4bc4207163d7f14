import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { createContext, useContext, useEffect, useMemo, useState } from 'react';
import { useUnsaved } from '@/lib/unsaved';
import { Button } from './controls';
import css from './css/dialog.module.css';
import { notify } from './notify';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  size?: 'sm' | 'md' | 'lg' | 'xl';
  /** Whether a click beside it closes it: only where nothing can be lost. */
  closeOnClickOutside?: boolean;
  /** Whether Escape closes it, until something is typed. */
  closeOnEscape?: boolean;
  testId?: string;
}

/** What is typed to look for something is nothing to lose. */
const isSearch = (target: EventTarget) =>
  target instanceof HTMLInputElement &&
  (target.type === 'search' || target.getAttribute('role') === 'combobox');

/** What is chosen takes a moment to choose again. */
const isChoice = (target: EventTarget) =>
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLInputElement && ['checkbox', 'radio'].includes(target.type));

/** Gives the focus back to what had it before, unless something else has taken it meanwhile. */
function useFocusReturn(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // Afterwards: whoever closes it may put the focus where the work goes on.
      setTimeout(() => {
        const lost = document.activeElement === null || document.activeElement === document.body;
        if (lost && before instanceof HTMLElement && before.isConnected) {
          before.focus({ preventScroll: true });
        }
      });
    },
    [before],
  );
}

const InDialog = createContext({ saved: (): void => undefined });

/** What a dialog is told from within: `saved`, when what was typed is stored and it stays open. */
export const useDialog = () => useContext(InDialog);

/** A dialog that exists while it is rendered; the caller decides when that is. */
export function Dialog({
  title,
  onClose,
  children,
  size = 'md',
  closeOnClickOutside = false,
  closeOnEscape = true,
  testId,
}: DialogProps) {
  const [typed, setTyped] = useState(false);
  const [written, setWritten] = useState(false);
  useUnsaved('What you typed', written ? 'unsaved' : 'saved');
  const within = useMemo(
    () => ({
      saved: () => {
        setTyped(false);
        setWritten(false);
      },
    }),
    [],
  );
  useFocusReturn();
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={size}
      closeOnClickOutside={closeOnClickOutside}
      closeOnEscape={closeOnEscape && !typed}
      onInput={(event) => {
        if (isSearch(event.target)) return;
        setTyped(true);
        if (!isChoice(event.target)) setWritten(true);
      }}
      // At once: what is typed right after the key that opened it must land inside.
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': 'Close' }}
      overlayProps={{ backgroundOpacity: 0.45 }}
      classNames={{ title: css.title ?? '', content: css.content ?? '' }}
      {...(testId === undefined ? {} : { 'data-testid': testId })}
    >
      <InDialog value={within}>{children}</InDialog>
    </Modal>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className={css.actions}>{children}</div>;
}

interface ConfirmProps {
  title: string;
  children: ReactNode;
  confirmLabel: string;
  emphasis?: 'primary' | 'danger';
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  testId?: string;
}

/** Asks before something that reaches customers or cannot be undone; stays open if it fails. */
export function ConfirmDialog(props: ConfirmProps) {
  const { title, children, confirmLabel, emphasis = 'primary', onConfirm, onClose, testId } = props;
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} size="sm">
      <div className={css.body}>{children}</div>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Keep as it is
        </Button>
        <Button
          emphasis={emphasis}
          loading={busy}
          onClick={() => void confirm()}
          data-autofocus
          data-testid={testId}
        >
          {confirmLabel}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { UndoCounts } from '@/api/types';
import { ConfirmDialog, Dialog, Failure, SkeletonRows } from '@/ui';
import { fetchUndo, undoImport } from './api';
import css from './imports.module.css';

/** What undoing does, or did, line by line. */
export function undoLines(
  counts: UndoCounts,
  what: 'contacts' | 'rows' = 'contacts',
): { count: number; text: string }[] {
  const one = what === 'contacts' ? 'contact' : 'row';
  const others = (them: string) =>
    what === 'contacts' ? ` or another import brought ${them}, too` : '';
  const line = (count: number, single: string, several: string) => ({
    count,
    text: count === 1 ? single : several,
  });
  return [
    line(
      counts.removed,
      `${one} that it created is deleted`,
      `${what} that it created are deleted`,
    ),
    line(
      counts.kept,
      `${one} that it created stays, because it is in use since${others('it')}`,
      `${what} that it created stay, because they are in use since${others('them')}`,
    ),
    line(
      counts.restored,
      `${one} gets back the values it had before`,
      `${what} get back the values they had before`,
    ),
    line(
      counts.changed_since,
      `${one} stays as it is, because it was changed since`,
      `${what} stay as they are, because they were changed since`,
    ),
    line(counts.unlisted, 'contact is taken off its list', 'contacts are taken off its list'),
    line(
      counts.withdrawn,
      'consent is taken back; the record of it stays',
      'consents are taken back; the record of them stays',
    ),
  ].filter((each) => each.count > 0);
}

export function UndoLines({
  counts,
  what = 'contacts',
}: {
  counts: UndoCounts;
  what?: 'contacts' | 'rows';
}) {
  const lines = undoLines(counts, what);
  if (lines.length === 0) return <p>There is nothing left to undo.</p>;
  return (
    <dl className={css.reasons}>
      {lines.map((line) => (
        <div key={line.text} style={{ display: 'contents' }}>
          <dt>{line.count.toLocaleString()}</dt>
          <dd>{line.text}</dd>
        </div>
      ))}
    </dl>
  );
}

interface UndoDialogProps {
  importId: string;
  what?: 'contacts' | 'rows';
  onClose: () => void;
  onBegun: () => void;
}

export function UndoDialog({ importId, what = 'contacts', onClose, onBegun }: UndoDialogProps) {
  const query = useQuery({
    queryKey: keys.importUndo(importId),
    queryFn: ({ signal }) => fetchUndo(importId, signal),
    staleTime: 0,
    gcTime: 0,
  });
  if (query.data === undefined) {
    return (
      <Dialog title="Undo this import?" onClose={onClose} size="sm">
        {query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows rows={4} height={20} />
        )}
      </Dialog>
    );
  }
  return (
    <ConfirmDialog
      title="Undo this import?"
      confirmLabel="Undo the import"
      emphasis="danger"
      onConfirm={() => undoImport(importId).then(onBegun)}
      onClose={onClose}
      testId="undo-confirm"
    >
      <UndoLines counts={query.data} what={what} />
      <p>
        {what === 'contacts' && 'Opt-outs that the file brought stay. '}
        The import itself cannot be brought back, but the file can be imported again.
      </p>
    </ConfirmDialog>
  );
}

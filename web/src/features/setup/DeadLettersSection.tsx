import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { DeadLetter } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  notify,
  Row,
  SkeletonRows,
  TextField,
} from '@/ui';
import { discardDeadLetter, fetchDeadLetters, replayDeadLetter } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';

/** Work that failed again and again and waits for a person's decision. */
export function DeadLettersSection() {
  const cache = useQueryClient();
  const [discarding, setDiscarding] = useState<DeadLetter | null>(null);
  const query = useQuery({
    queryKey: keys.deadLetters,
    queryFn: ({ signal }) => fetchDeadLetters(signal),
  });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.deadLetters });
  const rows = query.data?.data ?? [];
  const replay = async (letter: DeadLetter) => {
    try {
      await replayDeadLetter(letter.id);
      notify.done('Tried again', 'If it fails once more, it comes back here.');
      await refresh();
    } catch (error) {
      notify.failure(error);
    }
  };
  return (
    <Card
      padding="none"
      title="Dead letters"
      description="Incoming or outgoing work that failed repeatedly. Nothing is lost: try again, or discard it with a reason."
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="Nothing is stuck">All work went through.</EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Dead letters"
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            {
              key: 'what',
              title: 'What',
              render: (row) => (
                <div className={css.cell}>
                  <strong>{(row.kind ?? row.source ?? 'Work').replaceAll('_', ' ')}</strong>
                  <span>{row.reason ?? row.error ?? ''}</span>
                </div>
              ),
            },
            {
              key: 'tries',
              title: 'Tries',
              align: 'end',
              priority: 'wide',
              render: (row) => row.attempts ?? '–',
            },
            {
              key: 'when',
              title: 'Since',
              priority: 'wide',
              render: (row) => formatDateTime(row.created_at ?? row.at ?? null),
            },
            {
              key: 'act',
              title: 'Decision',
              render: (row) => (
                <Row>
                  <Button emphasis="secondary" size="xs" onClick={() => void replay(row)}>
                    Try again
                  </Button>
                  <Button emphasis="quiet" size="xs" onClick={() => setDiscarding(row)}>
                    Discard
                  </Button>
                </Row>
              ),
            },
          ]}
        />
      )}
      {discarding !== null && (
        <FormDialog
          title="Discard this work?"
          saveLabel="Discard"
          onClose={() => setDiscarding(null)}
          onSave={async (form) => {
            await discardDeadLetter(discarding.id, text(form, 'reason'));
            await refresh();
          }}
        >
          <TextField
            label="Reason"
            description="Stays in the record."
            name="reason"
            required
            withAsterisk={false}
            data-autofocus
          />
        </FormDialog>
      )}
    </Card>
  );
}

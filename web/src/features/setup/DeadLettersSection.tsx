import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
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
  SelectField,
  SkeletonRows,
  TextField,
} from '@/ui';
import { discardDeadLetter, fetchDeadLetters, replayDeadLetter, type DeadLetterState } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';

type Decision = { letter: DeadLetter; kind: 'replay' | 'discard' };

const SOURCES: Record<DeadLetter['source'], string> = {
  inbox: 'Incoming message or report',
  outbox: 'Outgoing message',
  job: 'Background work',
};

const WORDS = {
  replay: { title: 'Try it again?', save: 'Try again', done: 'Tried again' },
  discard: { title: 'Discard this work?', save: 'Discard', done: 'Discarded' },
};

/** Work that failed again and again and waits for a person's decision. */
export function DeadLettersSection() {
  const cache = useQueryClient();
  const [decision, setDecision] = useState<Decision | null>(null);
  const [shown, setShown] = useState<DeadLetterState>('open');
  const query = useInfiniteQuery({
    queryKey: [...keys.deadLetters, shown],
    queryFn: ({ signal, pageParam }) => fetchDeadLetters(shown, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const words = decision === null ? null : WORDS[decision.kind];
  return (
    <Card
      padding="none"
      title="Dead letters"
      description="Work that failed repeatedly. Nothing is lost: try it again, or discard it with a reason."
    >
      <div className={css.further}>
        <SelectField
          label="Show"
          value={shown}
          data={[
            { value: 'open', label: 'What waits for a decision' },
            { value: 'all', label: 'All, decided ones too' },
          ]}
          onChange={(event) => setShown(event.currentTarget.value as DeadLetterState)}
          data-testid="dead-letters-state"
        />
      </div>
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="Nothing is stuck">
          {shown === 'open' ? 'Nothing waits for a decision.' : 'All work went through.'}
        </EmptyState>
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
                  <strong>{SOURCES[row.source]}</strong>
                  <span>{row.reason}</span>
                </div>
              ),
            },
            {
              key: 'when',
              title: 'Since',
              priority: 'wide',
              render: (row) => formatDateTime(row.created_at),
            },
            {
              key: 'act',
              title: 'Decision',
              render: (row) => <DecisionCell letter={row} onDecide={setDecision} />,
            },
          ]}
        />
      )}
      {query.hasNextPage && (
        <div className={css.further}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
            data-testid="dead-letters-more"
          >
            Show more
          </Button>
        </div>
      )}
      {decision !== null && words !== null && (
        <FormDialog
          title={words.title}
          saveLabel={words.save}
          onClose={() => setDecision(null)}
          onSave={async (form) => {
            const act = decision.kind === 'replay' ? replayDeadLetter : discardDeadLetter;
            await act(decision.letter.id, text(form, 'reason'));
            await cache.invalidateQueries({ queryKey: keys.deadLetters });
            notify.done(words.done);
          }}
        >
          <TextField
            label="Reason"
            description="For whoever asks later; it stays in the record."
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

function DecisionCell({
  letter,
  onDecide,
}: {
  letter: DeadLetter;
  onDecide: (decision: Decision) => void;
}) {
  if (letter.resolution !== null) {
    return (
      <div className={css.cell}>
        <span>
          {letter.resolution === 'replayed' ? 'Tried again' : 'Discarded'},{' '}
          {formatDateTime(letter.resolved_at)}
        </span>
        {letter.resolution_reason !== null && <span>{letter.resolution_reason}</span>}
      </div>
    );
  }
  return (
    <Row>
      <Button emphasis="secondary" size="xs" onClick={() => onDecide({ letter, kind: 'replay' })}>
        Try again
      </Button>
      <Button emphasis="quiet" size="xs" onClick={() => onDecide({ letter, kind: 'discard' })}>
        Discard
      </Button>
    </Row>
  );
}

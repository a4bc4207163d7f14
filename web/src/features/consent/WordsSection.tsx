import { IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Programme, SenderKeyword } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  Tag,
  type TableColumn,
} from '@/ui';
import { deleteKeyword } from './api';
import css from './consent.module.css';
import { useKeywords, useMayChange, useNumbers, useProgrammes, useRest } from './use-sources';
import { VotesDialog } from './VotesDialog';
import { WordDialog } from './WordDialog';

function does(keyword: SenderKeyword, programmes: Programme[]): string {
  const action = keyword.action;
  if (action.kind === 'reply') {
    const count = action.questions.length;
    return count === 0
      ? `Answers: ${action.text}`
      : `Asks ${count === 1 ? 'a question' : `${count} questions`}`;
  }
  if (action.kind === 'vote') return `Vote among ${action.options.length} options`;
  const name = programmes.find((each) => each.id === action.programme_id)?.name ?? 'a programme';
  return action.kind === 'join' ? `Joins ${name}` : `Leaves ${name}`;
}

function validity(keyword: SenderKeyword): { label: string; tone: 'good' | 'neutral' | 'info' } {
  const now = new Date().toISOString();
  if (keyword.valid_until !== null && keyword.valid_until <= now)
    return { label: `Ended ${formatDateTime(keyword.valid_until)}`, tone: 'neutral' };
  if (keyword.valid_from !== null && keyword.valid_from > now)
    return { label: `From ${formatDateTime(keyword.valid_from)}`, tone: 'info' };
  if (keyword.valid_until !== null)
    return { label: `Until ${formatDateTime(keyword.valid_until)}`, tone: 'good' };
  return { label: 'Always', tone: 'good' };
}

export function WordsSection() {
  const cache = useQueryClient();
  const { query, keywords: words } = useKeywords();
  const numbers = useNumbers();
  const { query: joined, programmes } = useProgrammes();
  useRest(joined);
  const mayChange = useMayChange();
  const [editing, setEditing] = useState<SenderKeyword | 'new' | null>(null);
  const [counting, setCounting] = useState<SenderKeyword | null>(null);
  const [removing, setRemoving] = useState<SenderKeyword | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: keys.senderKeywords });
  const columns: TableColumn<SenderKeyword>[] = [
    {
      key: 'word',
      title: 'Word',
      render: (each) => (
        <span className={css.cell}>
          <strong>{each.word}</strong>
          <span>to {numbers.find((sender) => sender.id === each.sender_id)?.label ?? '–'}</span>
        </span>
      ),
    },
    {
      key: 'does',
      title: 'What it does',
      render: (each) => <span className={css.cut}>{does(each, programmes)}</span>,
    },
    {
      key: 'valid',
      title: 'Counts',
      priority: 'wide',
      render: (each) => <Tag tone={validity(each).tone}>{validity(each).label}</Tag>,
    },
    {
      key: 'result',
      title: 'Result',
      render: (each) =>
        each.action.kind === 'vote' ? (
          <Button
            emphasis="quiet"
            size="xs"
            aria-label={`Votes for ${each.word}`}
            onClick={() => setCounting(each)}
            data-testid="word-votes"
          >
            Votes
          </Button>
        ) : (
          '–'
        ),
    },
    ...(mayChange
      ? [
          {
            key: 'actions',
            title: 'Actions',
            align: 'end' as const,
            render: (each: SenderKeyword) => (
              <span className={css.rowActions}>
                <Button emphasis="quiet" size="xs" onClick={() => setEditing(each)}>
                  Change
                </Button>
                <Button emphasis="quiet" size="xs" onClick={() => setRemoving(each)}>
                  Remove
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ];
  return (
    <Card
      title="Words people text"
      description="STOP, START and HELP count in every language already. These are your own."
      padding={words.length > 0 ? 'none' : 'normal'}
      aside={
        mayChange && (
          <Button
            size="xs"
            leftSection={<IconPlus size={15} />}
            onClick={() => setEditing('new')}
            data-testid="word-add"
          >
            Add word
          </Button>
        )
      }
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && words.length === 0 && (
        <EmptyState title="No words yet">
          A word joins a programme, answers, asks questions that fill the contact, or for a vote.
        </EmptyState>
      )}
      {words.length > 0 && (
        <DataTable
          label="Words"
          columns={columns}
          rows={words}
          rowKey={(each) => each.id}
          rowTestId="word"
        />
      )}
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
            data-testid="words-more"
          >
            Show more
          </Button>
        </div>
      )}
      {editing !== null && (
        <WordDialog
          keyword={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
          onSaved={() => void refresh()}
        />
      )}
      {counting !== null && <VotesDialog keyword={counting} onClose={() => setCounting(null)} />}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove ${removing.word}?`}
          confirmLabel="Remove"
          emphasis="danger"
          onConfirm={async () => {
            await deleteKeyword(removing.id);
            await refresh();
            notify.done('Word removed');
          }}
          onClose={() => setRemoving(null)}
        >
          Texts with it are no longer answered. Questions that it began end.
          {removing.action.kind === 'vote' &&
            ' Its votes are removed with it: take them out first.'}
        </ConfirmDialog>
      )}
    </Card>
  );
}

import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { SenderKeyword } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { DataTable, Dialog, EmptyState, Failure, SkeletonRows, Tag } from '@/ui';
import { fetchVotes, votesUrl } from './api';
import css from './consent.module.css';

/** How often it looks again while the vote is open. */
const AGAIN = 5_000;

/** How a vote stands; looks again by itself while it is open. */
export function VotesDialog({ keyword, onClose }: { keyword: SenderKeyword; onClose: () => void }) {
  const query = useQuery({
    queryKey: keys.votes(keyword.id),
    queryFn: ({ signal }) => fetchVotes(keyword.id, signal),
    refetchInterval: (each) => (each.state.data?.state === 'closed' ? false : AGAIN),
  });
  const tally = query.data;
  const percent = (votes: number) =>
    tally === undefined || tally.total === 0 ? 0 : Math.round((100 * votes) / tally.total);
  return (
    <Dialog title={`Votes for ${keyword.word}`} onClose={onClose} size="lg">
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {tally !== undefined && (
        <>
          <p className={css.standing}>
            <Tag tone={tally.state === 'open' ? 'good' : 'neutral'}>
              {tally.state === 'open' ? 'Open' : 'Closed'}
            </Tag>{' '}
            <span data-testid="vote-total">
              {tally.total === 1 ? '1 vote' : `${tally.total.toLocaleString()} votes`}
            </span>
            {tally.closes_at !== null &&
              `, ${tally.state === 'open' ? 'closes' : 'closed'} ${formatDateTime(tally.closes_at)}`}
            {tally.last_at !== null && `, the last ${formatDateTime(tally.last_at)}`}
          </p>
          {tally.total === 0 && (
            <EmptyState title="No votes yet">
              Votes appear here as soon as people text the word and an option.
            </EmptyState>
          )}
          {tally.total > 0 && (
            <DataTable
              label="Votes by option"
              rows={tally.options}
              rowKey={(option) => option.word}
              rowTestId="vote-row"
              columns={[
                {
                  key: 'option',
                  title: 'Option',
                  render: (option) =>
                    option.offered ? option.label : `${option.label} (no option any more)`,
                },
                {
                  key: 'votes',
                  title: 'Votes',
                  align: 'end',
                  render: (option) => option.votes.toLocaleString(),
                },
                {
                  key: 'share',
                  title: 'Share',
                  align: 'end',
                  render: (option) => `${percent(option.votes)} %`,
                },
              ]}
            />
          )}
          <p>
            <a href={votesUrl(keyword.id)} download data-testid="votes-csv">
              Take every vote out as CSV
            </a>
          </p>
        </>
      )}
    </Dialog>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { MonthVolumes } from '@/api/price-types';
import { keys } from '@/api/query-keys';
import { Card, DataTable, EmptyState, Failure, SkeletonRows } from '@/ui';
import css from '../setup.module.css';
import { fetchVolumes } from './api';
import { categoryWords, monthWords, price } from './standing';

type Volume = MonthVolumes['volumes'][number];

/** How many messages of the month were charged, and how far the next tier of their price is. */
export function VolumesCard() {
  const query = useQuery({
    queryKey: keys.volumeTiers,
    queryFn: ({ signal }) => fetchVolumes(signal),
    refetchInterval: 30_000,
  });
  const loaded = query.data;
  return (
    <Card
      padding="none"
      title="This month’s volume"
      description="Utility and authentication messages that WhatsApp charged, by account and market: later messages of a month can be cheaper. Free messages do not count. Counted from what WhatsApp tells this installation; what others send for the same account is not known here."
    >
      {query.isPending && <SkeletonRows rows={2} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {loaded !== undefined &&
        (loaded.volumes.length === 0 ? (
          <EmptyState title={`Nothing was charged in ${monthWords(loaded.month)} yet`} />
        ) : (
          <DataTable
            label={`Charged in ${monthWords(loaded.month)}`}
            rows={loaded.volumes}
            rowKey={(row) => `${row.portfolio} ${row.market} ${row.category}`}
            rowTestId="volume"
            columns={[
              {
                key: 'account',
                title: 'Account',
                render: (row) => (
                  <>
                    {row.numbers.length === 0 ? row.portfolio : row.numbers.join(', ')}
                    <div className={css.tier}>{row.portfolio}</div>
                  </>
                ),
              },
              {
                key: 'market',
                title: 'Market',
                render: (row) => `${row.market}, ${categoryWords(row.category).toLowerCase()}`,
              },
              {
                key: 'messages',
                title: 'Messages',
                align: 'end',
                render: (row) => row.messages.toLocaleString(),
              },
              {
                key: 'price',
                title: 'The next one costs',
                align: 'end',
                render: (row) => price(row.price_thousandths, loaded.currency),
              },
              {
                key: 'next',
                title: 'Next tier',
                render: (row) => <Progress row={row} currency={loaded.currency} />,
              },
            ]}
          />
        ))}
      {loaded !== undefined && (
        <p className={css.volumesNote} data-testid="volume-note">
          {monthWords(loaded.month)} in {loaded.time_zone}, by {loaded.price_list}. Markets as of{' '}
          {loaded.markets_as_of}.
        </p>
      )}
    </Card>
  );
}

function Progress({ row, currency }: { row: Volume; currency: string }) {
  const next = row.next_tier;
  if (next === null) {
    return <>{row.tiers.length > 1 ? 'The last one is reached' : 'The price list has none'}</>;
  }
  const begun = row.tiers.at(-1)?.from ?? 1;
  return (
    <>
      <progress
        className={css.tierProgress}
        max={next.from - begun}
        value={next.from - begun - next.missing}
        aria-label={`On the way to the tier from message ${next.from.toLocaleString()}`}
      />
      <div className={css.tier} data-testid="volume-next">
        {next.missing.toLocaleString()} more messages until{' '}
        {price(next.price_thousandths, currency)}
      </div>
    </>
  );
}

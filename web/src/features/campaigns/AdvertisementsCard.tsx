import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { Advertisement } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Card, DataTable, Failure, type TableColumn } from '@/ui';
import { fetchAdvertisements } from './api';
import css from './campaigns.module.css';

const count = (key: 'chats' | 'agent' | 'cases' | 'leads' | 'won', title: string) =>
  ({
    key,
    title,
    width: '90px',
    render: (ad: Advertisement) => ad[key].toLocaleString(),
  }) satisfies TableColumn<Advertisement>;

const columns: TableColumn<Advertisement>[] = [
  {
    key: 'name',
    title: 'Advertisement',
    render: (ad) => (
      <div className={css.nameCell}>
        <strong>{ad.headline ?? (ad.kind === 'post' ? 'A post' : 'An advertisement')}</strong>
        <span>
          {ad.source_id === '' ? 'without an id' : ad.source_id}, last {formatDateTime(ad.last_at)}
        </span>
      </div>
    ),
  },
  count('chats', 'Chats'),
  count('agent', 'Agent'),
  count('cases', 'Cases'),
  count('leads', 'Leads'),
  count('won', 'Won'),
];

/** What advertisements on Facebook and Instagram brought in the last ninety days; nothing when they brought nobody. */
export function AdvertisementsCard() {
  const query = useQuery({
    queryKey: keys.advertisements,
    queryFn: ({ signal }) => fetchAdvertisements(signal),
  });
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  const ads = query.data?.data ?? [];
  if (ads.length === 0) return null;
  return (
    <Card
      title="Chats from advertisements"
      description="Of the last ninety days. Chats that a campaign of yours brought are counted there."
      data-testid="advertisements"
    >
      <DataTable
        label="Advertisements"
        rows={ads}
        columns={columns}
        rowKey={(ad) => ad.source_id}
      />
    </Card>
  );
}

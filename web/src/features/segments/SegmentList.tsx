import { IconFilter, IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { Segment } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Page,
  SkeletonRows,
  type TableColumn,
} from '@/ui';
import { fetchCount, fetchSegments } from './api';
import css from './segments.module.css';

function Count({ segment }: { segment: Segment }) {
  const { data } = useQuery({
    queryKey: keys.segmentCount(segment.id, segment.version),
    queryFn: ({ signal }) => fetchCount(segment.id, signal),
    staleTime: 30_000,
  });
  return (
    <span className={css.count}>{data === undefined ? '…' : data.count.toLocaleString()}</span>
  );
}

const columns: TableColumn<Segment>[] = [
  {
    key: 'name',
    title: 'Segment',
    render: (segment) => (
      <div className={css.nameCell}>
        <strong>{segment.name}</strong>
        <code>{segment.condition}</code>
      </div>
    ),
  },
  {
    key: 'count',
    title: 'Contacts now',
    width: '130px',
    align: 'end',
    render: (segment) => <Count segment={segment} />,
  },
  {
    key: 'updated',
    title: 'Changed',
    width: '190px',
    priority: 'wide',
    render: (segment) => formatDateTime(segment.updated_at),
  },
];

export function SegmentList() {
  const navigate = useNavigate();
  const query = useInfiniteQuery({
    queryKey: keys.segments,
    queryFn: ({ pageParam, signal }) => fetchSegments(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const segments = query.data?.pages.flatMap((page) => page.data) ?? [];
  const open = (segmentId: string) =>
    void navigate({ to: '/segments/$segmentId', params: { segmentId } });
  const create = (
    <Button
      leftSection={<IconPlus size={16} />}
      onClick={() => open('new')}
      data-testid="segment-new"
    >
      New segment
    </Button>
  );
  return (
    <Page
      title="Segments"
      subtitle="Conditions over contacts, asked anew each time a campaign uses them."
      {...(segments.length > 0 ? { actions: create } : {})}
    >
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={6} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && segments.length === 0 && (
          <EmptyState icon={<IconFilter size={26} />} title="No segments yet" action={create}>
            Say who is meant by what is known of them: where they live, what they tapped, what they
            agreed to.
          </EmptyState>
        )}
        {segments.length > 0 && (
          <DataTable
            label="Segments"
            columns={columns}
            rows={segments}
            rowKey={(segment) => segment.id}
            rowTestId="segment-row"
            onOpen={(segment) => open(segment.id)}
          />
        )}
      </Card>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
    </Page>
  );
}

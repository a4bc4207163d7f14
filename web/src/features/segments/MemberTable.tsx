import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { Segment, SegmentMember } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { Button, Card, DataTable, EmptyState, Failure, SkeletonRows, type TableColumn } from '@/ui';
import { fetchMembers } from './api';
import css from './segments.module.css';

const CONSENT: Record<SegmentMember['sms_consent'], string> = {
  granted: 'Opted in',
  revoked: 'Opted out',
  in_review: 'May have opted out',
  expired: 'Expired',
  none: 'None',
};

const columns: TableColumn<SegmentMember>[] = [
  { key: 'name', title: 'Name', render: (member) => member.name ?? 'Without name' },
  { key: 'phone', title: 'Phone', width: '190px', render: (member) => formatPhone(member.phone) },
  {
    key: 'consent',
    title: 'SMS consent',
    width: '140px',
    render: (member) => CONSENT[member.sms_consent],
  },
];

/** Everybody in the segment as it is saved. */
export function MemberTable({ segment }: { segment: Segment }) {
  const navigate = useNavigate();
  const query = useInfiniteQuery({
    queryKey: keys.segmentMembers(segment.id, segment.version),
    queryFn: ({ pageParam, signal }) => fetchMembers(segment.id, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const members = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      <Card
        className={css.members ?? ''}
        title="Members"
        description="As the segment is saved."
        padding="none"
      >
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && members.length === 0 && <EmptyState title="Nobody meets it now" />}
        {members.length > 0 && (
          <DataTable
            label="Members"
            columns={columns}
            rows={members}
            rowKey={(member) => member.id}
            rowTestId="segment-member"
            onOpen={(member) =>
              void navigate({ to: '/contacts/$contactId', params: { contactId: member.id } })
            }
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
    </>
  );
}

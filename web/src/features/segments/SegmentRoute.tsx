import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import { Card, Failure, Page, SkeletonRows } from '@/ui';
import { fetchSegment } from './api';
import { SegmentEditor } from './SegmentEditor';

/** One segment, or a new one. */
export function SegmentRoute() {
  const { segmentId } = useParams({ strict: false });
  const id = segmentId ?? 'new';
  const query = useQuery({
    queryKey: keys.segment(id),
    queryFn: ({ signal }) => fetchSegment(id, signal),
    enabled: id !== 'new',
  });
  if (id === 'new') return <SegmentEditor key="new" segment={null} />;
  if (query.data === undefined) {
    return (
      <Page title="Segment" back={<Link to="/segments">← Segments</Link>}>
        <Card>
          {query.isError ? (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          ) : (
            <SkeletonRows rows={6} />
          )}
        </Card>
      </Page>
    );
  }
  return <SegmentEditor key={id} segment={query.data} />;
}

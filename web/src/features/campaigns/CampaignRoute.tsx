import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import { Card, Failure, Page, SkeletonRows } from '@/ui';
import { fetchCampaign } from './api';
import { CampaignView } from './CampaignView';
import { DraftEditor } from './DraftEditor';

/** One campaign: its editor while it is a draft, afterwards what it does. */
export function CampaignRoute() {
  const { campaignId } = useParams({ strict: false });
  const id = campaignId ?? '';
  const query = useQuery({
    queryKey: keys.campaign(id),
    queryFn: ({ signal }) => fetchCampaign(id, signal),
  });
  if (query.data === undefined) {
    return (
      <Page title="Campaign" back={<Link to="/campaigns">← Campaigns</Link>}>
        <Card>
          {query.isError ? (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          ) : (
            <SkeletonRows rows={8} />
          )}
        </Card>
      </Page>
    );
  }
  return query.data.state === 'draft' ? (
    <DraftEditor key={id} campaign={query.data} />
  ) : (
    <CampaignView campaign={query.data} />
  );
}

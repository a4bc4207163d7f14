import { IconPlus, IconSpeakerphone } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { Campaign } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Page,
  SkeletonRows,
  Tag,
  type TableColumn,
} from '@/ui';
import { AdvertisementsCard } from './AdvertisementsCard';
import { fetchCampaigns } from './api';
import css from './campaigns.module.css';
import { FOOTERS, STATES } from './words';

const columns: TableColumn<Campaign>[] = [
  {
    key: 'name',
    title: 'Campaign',
    render: (campaign) => (
      <div className={css.nameCell}>
        <strong>{campaign.name}</strong>
        <span>{campaign.body}</span>
      </div>
    ),
  },
  {
    key: 'state',
    title: 'State',
    width: '120px',
    render: (campaign) => (
      <Tag tone={STATES[campaign.state].tone} dot="dot">
        {STATES[campaign.state].label}
      </Tag>
    ),
  },
  {
    key: 'link',
    title: 'Link',
    width: '130px',
    priority: 'wide',
    render: (campaign) => FOOTERS.find((each) => each.value === campaign.footer)?.label,
  },
  {
    key: 'started',
    title: 'Started',
    width: '190px',
    priority: 'wide',
    render: (campaign) =>
      campaign.started_at === null ? (
        <span className={css.muted}>Not started</span>
      ) : (
        formatDateTime(campaign.started_at)
      ),
  },
];

export function CampaignList() {
  const navigate = useNavigate();
  const query = useInfiniteQuery({
    queryKey: keys.campaigns,
    queryFn: ({ pageParam, signal }) => fetchCampaigns(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const campaigns = query.data?.pages.flatMap((page) => page.data) ?? [];
  const create = (
    <Button
      leftSection={<IconPlus size={16} />}
      onClick={() => void navigate({ to: '/campaigns/new' })}
      data-testid="campaign-new"
    >
      New campaign
    </Button>
  );
  return (
    <Page
      title="Campaigns"
      subtitle="A text with a link, and what became of it."
      {...(campaigns.length > 0 ? { actions: create } : {})}
    >
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={6} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && campaigns.length === 0 && (
          <EmptyState
            icon={<IconSpeakerphone size={26} />}
            title="Your first campaign"
            action={create}
          >
            Write a text, choose who gets it, and see which conversations and sales come back.
          </EmptyState>
        )}
        {campaigns.length > 0 && (
          <DataTable
            label="Campaigns"
            columns={columns}
            rows={campaigns}
            rowKey={(campaign) => campaign.id}
            rowTestId="campaign-row"
            onOpen={(campaign) =>
              void navigate({ to: '/campaigns/$campaignId', params: { campaignId: campaign.id } })
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
      <AdvertisementsCard />
    </Page>
  );
}

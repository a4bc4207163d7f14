import { keys } from '@/api/query-keys';
import type { Campaign } from '@/api/types';
import { useChoice } from './use-choice';

/** Campaigns to choose from, page by page, and the names of those that are `chosen`, however old they are. */
export function useCampaignChoice(chosen: string[]) {
  const { items, nameOf, hasMore, showMore, rest } = useChoice<Campaign>({
    path: '/campaigns',
    pagesKey: keys.campaignChoice,
    oneKey: keys.campaign,
    chosen,
  });
  return { campaigns: items, nameOf, hasOlder: hasMore, showOlder: showMore, rest };
}

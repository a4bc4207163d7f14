import { useInfiniteQuery, useQueries } from '@tanstack/react-query';
import { api } from '@/api/client';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Campaign, Page } from '@/api/types';

/** Campaigns to choose from, page by page, and the names of those that are `chosen`, however old they are. */
export function useCampaignChoice(chosen: string[]) {
  const pages = useInfiniteQuery({
    queryKey: keys.campaignChoice,
    queryFn: ({ signal, pageParam }) =>
      api.get<Page<Campaign>>('/campaigns', { cursor: pageParam, limit: 100 }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const campaigns = pages.data?.pages.flatMap((page) => page.data) ?? [];
  const isListed = (id: string) => campaigns.some((each) => each.id === id);
  const older = pages.data === undefined ? [] : chosen.filter((id) => !isListed(id));
  const single = useQueries({
    queries: older.map((id) => ({
      queryKey: keys.campaign(id),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.get<Campaign>(`/campaigns/${id}`, {}, signal),
    })),
  });
  const nameOf = (id: string): string => {
    const found = single[older.indexOf(id)];
    const known = campaigns.find((each) => each.id === id) ?? found?.data;
    if (known !== undefined) return known.name;
    return found?.error instanceof ApiError && found.error.status === 404 ? 'Deleted' : '…';
  };
  return { campaigns, nameOf, hasOlder: pages.hasNextPage, showOlder: pages.fetchNextPage };
}

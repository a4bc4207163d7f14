import { useInfiniteQuery, useQueries } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api } from '@/api/client';
import { ApiError } from '@/api/errors';
import type { Page } from '@/api/types';
import type { Rest } from '@/ui';

interface Choice {
  path: string;
  /** Keys of the pages and of a single one. */
  pagesKey: readonly unknown[];
  oneKey: (id: string) => readonly unknown[];
  /** Their names are known, wherever they are in the list. */
  chosen: string[];
}

/** Things to choose from, page by page, and the names of those that are `chosen`. */
export function useChoice<T extends { id: string; name: string }>(choice: Choice) {
  const { path, pagesKey, oneKey, chosen } = choice;
  const pages = useInfiniteQuery({
    queryKey: pagesKey,
    queryFn: ({ signal, pageParam }) =>
      api.get<Page<T>>(path, { cursor: pageParam, limit: 100 }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const items = pages.data?.pages.flatMap((page) => page.data) ?? [];
  const isListed = (id: string) => items.some((each) => each.id === id);
  const further =
    pages.data === undefined ? [] : [...new Set(chosen)].filter((id) => !isListed(id));
  const single = useQueries({
    queries: further.map((id) => ({
      queryKey: oneKey(id),
      queryFn: ({ signal }: { signal: AbortSignal }) => api.get<T>(`${path}/${id}`, {}, signal),
    })),
  });
  const nameOf = (id: string): string => {
    const found = single[further.indexOf(id)];
    const known = items.find((each) => each.id === id) ?? found?.data;
    if (known !== undefined) return known.name;
    return found?.error instanceof ApiError && found.error.status === 404 ? 'Deleted' : '…';
  };
  const { hasNextPage, isFetching, isError, isFetchNextPageError, fetchNextPage, refetch } = pages;
  const isRead = pages.data !== undefined;
  const read = useCallback(
    () => void (isRead ? fetchNextPage() : refetch()),
    [isRead, fetchNextPage, refetch],
  );
  const isFailed = isFetchNextPageError || (isError && !isRead);
  const rest: Rest = {
    state: isFetching ? 'reading' : isFailed ? 'failed' : hasNextPage ? 'more' : 'none',
    error: pages.error,
    read,
  };
  return { items, nameOf, hasMore: hasNextPage, showMore: fetchNextPage, rest };
}

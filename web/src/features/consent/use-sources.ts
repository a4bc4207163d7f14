import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import { accountWords } from '@/lib/sender-name';
import { useLive } from '@/live';
import { fetchKeywords, fetchLists, fetchProgrammes, fetchSenders, fetchSetup } from './api';

/** Agents look at programmes and words; those who run campaigns change them. */
export function useMayChange(): boolean {
  return useLive((state) => state.user?.role !== undefined && state.user.role !== 'agent');
}

/** Only admins change how opt-outs are read and answered. */
export function useMayManage(): boolean {
  return useLive((state) => state.user?.role === 'admin');
}

/** Programmes page by page. */
export function useProgrammes() {
  const query = useInfiniteQuery({
    queryKey: keys.programmes,
    queryFn: ({ signal, pageParam }) => fetchProgrammes(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    meta: LONG_LIST,
  });
  return { query, programmes: query.data?.pages.flatMap((page) => page.data) ?? [] };
}

/** Words page by page. */
export function useKeywords() {
  const query = useInfiniteQuery({
    queryKey: keys.senderKeywords,
    queryFn: ({ signal, pageParam }) => fetchKeywords(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  return { query, keywords: query.data?.pages.flatMap((page) => page.data) ?? [] };
}

interface Paged {
  hasNextPage: boolean;
  isFetching: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: () => Promise<unknown>;
}

/** Reads a list to its end, where something is looked up in it. */
export function useRest({ hasNextPage, isFetching, isFetchNextPageError, fetchNextPage }: Paged) {
  const goesOn = hasNextPage && !isFetching && !isFetchNextPageError;
  useEffect(() => {
    if (goesOn) void fetchNextPage();
  }, [goesOn, fetchNextPage]);
}

/** Numbers that people can text to. */
export function useNumbers() {
  const query = useQuery({
    queryKey: ['senders'],
    queryFn: ({ signal }) => fetchSenders(signal),
  });
  const setup = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  const senders = query.data?.data ?? [];
  const accounts = setup.data?.channels ?? [];
  return senders
    .filter((sender) => sender.kind !== 'alphanumeric')
    .map((sender) => ({
      ...sender,
      label: sender.address + accountWords(sender, senders, accounts),
    }));
}

export function useLists() {
  const query = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  return query.data?.data ?? [];
}

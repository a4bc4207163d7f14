import { useInfiniteQuery, useQuery, type UseInfiniteQueryResult } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Page, Session } from '@/api/types';
import { useDebounced } from '@/lib/use-debounced';
import { useServerNow } from '@/lib/use-now';
import {
  changeLive,
  CLOSING_SOON_MINUTES,
  holdOrder,
  holdSessions,
  matches,
  putSession,
  tabIds,
  useLive,
  type InboxOrder,
  type InboxTab,
} from '@/live';
import { fetchClosing, fetchSessions, fetchWholeView } from './api';

/** From the first page on, each by the cursor of the one before. */
const PAGES = {
  initialPageParam: null as string | null,
  getNextPageParam: (page: Page<Session>) => page.next_cursor,
};

/** Puts what was fetched among the live sessions; gives all of it. */
function useTaken(query: UseInfiniteQueryResult<{ pages: Page<Session>[] }>) {
  const { data, dataUpdatedAt } = query;
  const all = useMemo(() => data?.pages.flatMap((page) => page.data), [data]);
  // After a gap the console begins anew, so an answer that says the same as before counts as well.
  useEffect(() => {
    if (all !== undefined) changeLive((before) => all.reduce(putSession, before));
  }, [all, dataUpdatedAt]);
  return all;
}

/** What the list shows for a tab and a search: live sessions first, then what the server finds. */
export function useSessionIds(tab: InboxTab, search: string, wanted: InboxOrder) {
  const order = tab === 'closing' ? 'closing' : wanted;
  const sessions = useLive((state) => state.sessions);
  const away = useLive((state) => state.away);
  const user = useLive((state) => state.user);
  const settled = useDebounced(search.trim(), 250);
  const view = settled === '' ? 'open' : 'all';
  const remote = useInfiniteQuery({
    ...PAGES,
    queryKey: keys.sessionSearch(view, settled),
    queryFn: ({ signal, pageParam }) => fetchSessions(view, settled, pageParam, signal),
    enabled: tab === 'open' || settled !== '',
    staleTime: 10_000,
  });
  // The console holds the newest sessions; the ones about to close may be older.
  const within = tab === 'closing' ? CLOSING_SOON_MINUTES : null;
  // One's own and the waiting ones are read whole as it is.
  const byClosing = order === 'closing' && settled === '' && (tab === 'open' || tab === 'closing');
  const closing = useInfiniteQuery({
    ...PAGES,
    queryKey: keys.closingSessions(tab),
    queryFn: ({ signal, pageParam }) => fetchClosing(within, pageParam, signal),
    enabled: byClosing,
    staleTime: 10_000,
    // Windows come near their end without an event that says so. Who has scrolled far has seen them come.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 3 ? false : 60_000),
  });
  useTaken(closing);
  const now = useServerNow(30_000);
  const found = useTaken(remote);
  useEffect(
    () => (found === undefined ? undefined : holdSessions(found.map((each) => each.id))),
    [found],
  );

  const ids = useMemo(() => {
    const inThisTab = tabIds({ sessions, away, user }, tab, order, now).filter((id) => {
      const session = sessions[id];
      return session !== undefined && matches(session, search);
    });
    if (settled === '' || found === undefined) return inThisTab;
    const known = new Set(inThisTab);
    return [...inThisTab, ...found.map((each) => each.id).filter((id) => !known.has(id))];
  }, [sessions, away, user, tab, order, now, search, settled, found]);

  const paged = byClosing ? closing : tab === 'open' || settled !== '' ? remote : null;
  const goesOn =
    paged !== null && paged.hasNextPage && !paged.isFetching && !paged.isFetchNextPageError;
  const fetchNext = paged?.fetchNextPage;
  /** Called at the end of the list: there may be more than the console holds. */
  const more = useCallback(() => {
    if (goesOn) void fetchNext?.();
  }, [goesOn, fetchNext]);
  return { ids, more, searching: remote.isFetching && settled !== '' };
}

/** Counts of all tabs in one pass. */
export function useTabCounts(): { mine: number; waiting: number; closing: number } {
  const now = useServerNow(30_000);
  const sessions = useLive((state) => state.sessions);
  const away = useLive((state) => state.away);
  const user = useLive((state) => state.user);
  return useMemo(
    () => ({
      mine: tabIds({ sessions, away, user }, 'mine').length,
      waiting: tabIds({ sessions, away, user }, 'waiting').length,
      closing: tabIds({ sessions, away, user }, 'closing', 'closing', now).length,
    }),
    [sessions, away, user, now],
  );
}

/** So many of one's own and of the waiting ones a console begins with. */
const TO_BEGIN_WITH = 200;

/** Reads the tabs that are shown with a count to their end: the console may have begun with a part of them. */
export function useWholeTabs(tab: InboxTab, counts: { mine: number; waiting: number }): void {
  useWholeView('mine', tab === 'mine' || counts.mine >= TO_BEGIN_WITH ? 'yes' : 'no');
  useWholeView('waiting', tab === 'waiting' || counts.waiting >= TO_BEGIN_WITH ? 'yes' : 'no');
}

function useWholeView(view: 'mine' | 'waiting', wanted: 'yes' | 'no'): void {
  const { data, dataUpdatedAt } = useQuery({
    queryKey: keys.wholeView(view),
    queryFn: ({ signal }) => fetchWholeView(view, signal),
    enabled: wanted === 'yes',
    staleTime: 10_000,
  });
  // After a gap the console begins anew, so an answer that says the same as before counts as well.
  useEffect(() => {
    if (data !== undefined) changeLive((before) => data.reduce(putSession, before));
  }, [data, dataUpdatedAt]);
}

const REST_MS = 1500;

/** Holds the order of the rows while the pointer moves over them, so that a click hits its row. */
export function useSteadyOrder(ids: string[], scope: string) {
  const [held, setHeld] = useState<{ scope: string; order: string[] } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const order = held !== null && held.scope === scope ? holdOrder(held.order, ids) : ids;
  const onPointerMove = () => {
    if (held === null || held.scope !== scope) setHeld({ scope, order });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(null), REST_MS);
  };
  return { order, onPointerMove };
}

import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { keys } from '@/api/query-keys';
import { useDebounced } from '@/lib/use-debounced';
import { useNow } from '@/lib/use-now';
import {
  changeLive,
  CLOSING_SOON_MINUTES,
  holdOrder,
  matches,
  putSession,
  tabIds,
  useLive,
  type InboxOrder,
  type InboxTab,
} from '@/live';
import { fetchClosing, fetchSessions, fetchWholeView } from './api';

/** What the list shows for a tab and a search: live sessions first, then what the server finds. */
export function useSessionIds(tab: InboxTab, search: string, wanted: InboxOrder) {
  const order = tab === 'closing' ? 'closing' : wanted;
  const sessions = useLive((state) => state.sessions);
  const away = useLive((state) => state.away);
  const user = useLive((state) => state.user);
  const settled = useDebounced(search.trim(), 250);
  const remote = useQuery({
    queryKey: keys.sessionSearch(settled === '' ? 'open' : 'all', settled),
    queryFn: ({ signal }) => fetchSessions(settled === '' ? 'open' : 'all', settled, signal),
    enabled: tab === 'open' || settled !== '',
    staleTime: 10_000,
  });
  // The console holds the newest sessions; the ones about to close may be older.
  const closing = useQuery({
    queryKey: keys.closingSessions(tab),
    queryFn: ({ signal }) => fetchClosing(tab === 'closing' ? CLOSING_SOON_MINUTES : null, signal),
    enabled: order === 'closing' && settled === '',
    staleTime: 10_000,
  });
  const soon = closing.data?.data;
  useEffect(() => {
    if (soon !== undefined) changeLive((data) => soon.reduce(putSession, data));
  }, [soon]);
  const now = useNow(30_000);
  const found = remote.data?.data;
  useEffect(() => {
    if (found !== undefined) changeLive((data) => found.reduce(putSession, data));
  }, [found]);

  const ids = useMemo(() => {
    const inThisTab = tabIds({ sessions, away, user }, tab, order, now).filter((id) => {
      const session = sessions[id];
      return session !== undefined && matches(session, search);
    });
    if (settled === '' || found === undefined) return inThisTab;
    const known = new Set(inThisTab);
    return [...inThisTab, ...found.map((each) => each.id).filter((id) => !known.has(id))];
  }, [sessions, away, user, tab, order, now, search, settled, found]);

  return { ids, searching: remote.isFetching && settled !== '' };
}

/** Counts of all tabs in one pass. */
export function useTabCounts(): { mine: number; waiting: number; closing: number } {
  const now = useNow(30_000);
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

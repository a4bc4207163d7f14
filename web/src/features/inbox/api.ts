import { api } from '@/api/client';
import type { Page, Session } from '@/api/types';

/** Open windows, the next one to close first. */
export const fetchClosing = (minutes: number | null, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Session>>(
    '/sessions',
    { order: 'closing', closing_within: minutes, cursor, limit: 100 },
    signal,
  );

export const fetchSessions = (
  view: string,
  search: string,
  cursor: string | null,
  signal?: AbortSignal,
) => api.get<Page<Session>>('/sessions', { view, search, cursor, limit: 100 }, signal);

/** All sessions of a view, page by page. */
export async function fetchWholeView(view: string, signal?: AbortSignal): Promise<Session[]> {
  const sessions: Session[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Session> = await api.get('/sessions', { view, cursor, limit: 100 }, signal);
    sessions.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return sessions;
}

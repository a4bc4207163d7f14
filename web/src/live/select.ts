import { serverTime } from '@/api/client';
import type { Session } from '@/api/types';
import type { LiveData } from './data';

export type InboxTab = 'mine' | 'waiting' | 'closing' | 'open';
export type InboxOrder = 'latest' | 'closing';

/** A window that closes within this time closes soon. */
export const CLOSING_SOON_MINUTES = 240;

export function isOpen(session: Session): boolean {
  return session.state !== 'ended';
}

/** Whether the reply window is open and closes within so many minutes. */
export function closesSoon(session: Session, now: number): boolean {
  if (session.window_expires_at === null) return false;
  const left = Date.parse(session.window_expires_at) - now;
  return left > 0 && left <= CLOSING_SOON_MINUTES * 60_000;
}

export function inTab(
  session: Session,
  tab: InboxTab,
  userId: string | undefined,
  now: number = serverTime(Date.now()),
): boolean {
  if (!isOpen(session)) return false;
  switch (tab) {
    case 'mine':
      return session.agent !== null && session.agent.id === userId;
    case 'waiting':
      // What went wrong needs a person as much as what waits.
      return session.agent === null && ['waiting', 'error'].includes(session.state);
    case 'closing':
      return closesSoon(session, now);
    case 'open':
      return true;
  }
}

/** Times are fixed-width UTC texts, so they compare as texts; parsing thousands of them would not do. */
function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

function lastActivity(session: Session): string {
  return session.last_message?.at ?? session.started_at;
}

/** Open windows first, the one that closes next before the others; what is closed comes last. */
function byClosing(now: string): (a: Session, b: Session) => number {
  const key = (session: Session) =>
    session.window_expires_at === null || session.window_expires_at <= now
      ? '~'
      : session.window_expires_at;
  return (a, b) => descending(key(b), key(a)) || descending(lastActivity(a), lastActivity(b));
}

/**
 * Ids of a tab. Mine and all: newest first; waiting: who waits longest comes first; closing, and any
 * other when it is asked for: whose window closes next.
 */
export function tabIds(
  data: Pick<LiveData, 'sessions' | 'away' | 'user'>,
  tab: InboxTab,
  order: InboxOrder = 'latest',
  now: number = serverTime(Date.now()),
): string[] {
  const sessions = Object.values(data.sessions).filter(
    (each) => !(each.id in data.away) && inTab(each, tab, data.user?.id, now),
  );
  if (tab === 'closing' || order === 'closing') {
    sessions.sort(byClosing(new Date(now).toISOString()));
    return sessions.map((session) => session.id);
  }
  sessions.sort((a, b) =>
    tab === 'waiting'
      ? descending(b.started_at, a.started_at)
      : descending(lastActivity(a), lastActivity(b)),
  );
  return sessions.map((session) => session.id);
}

export function matches(session: Session, search: string): boolean {
  const words = search.trim().toLowerCase();
  if (words === '') return true;
  const digits = words.replace(/\D/g, '');
  const { name, phone, username } = session.customer;
  return (
    [name, username, session.campaign?.name, session.last_message?.text].some((text) =>
      text?.toLowerCase().includes(words),
    ) ||
    (digits.length >= 3 && (phone?.includes(digits) ?? false))
  );
}

/**
 * Keeps rows where they are while somebody points at them: gone ids leave, new ones join at the end,
 * everything else keeps its place until the list is free to sort again.
 */
export function holdOrder(shown: string[], wanted: string[]): string[] {
  const still = new Set(wanted);
  const kept = shown.filter((id) => still.has(id));
  const known = new Set(kept);
  return [...kept, ...wanted.filter((id) => !known.has(id))];
}

import { api } from '@/api/client';
import type { Page, Session } from '@/api/types';

/** Open windows, the next one to close first. */
export const fetchClosing = (minutes: number | null, signal?: AbortSignal) =>
  api.get<Page<Session>>(
    '/sessions',
    { order: 'closing', closing_within: minutes, limit: 100 },
    signal,
  );

export const fetchSessions = (view: string, search: string, signal?: AbortSignal) =>
  api.get<Page<Session>>('/sessions', { view, search, limit: 100 }, signal);

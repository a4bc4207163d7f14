import { api } from '@/api/client';
import type { Page, Session } from '@/api/types';

export const fetchSessions = (view: string, search: string, signal?: AbortSignal) =>
  api.get<Page<Session>>('/sessions', { view, search, limit: 100 }, signal);

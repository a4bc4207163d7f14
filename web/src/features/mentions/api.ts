import { api } from '@/api/client';
import type { Mention } from '@/api/inbox-types';
import type { Page } from '@/api/types';

export const fetchMentions = (unread: boolean, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Mention>>('/mentions', { unread, cursor, limit: 50 }, signal);

export const readMention = (id: string) =>
  api.post<{ unread_count: number }>(`/mentions/${id}/read`);

export const readAllMentions = () => api.post<{ unread_count: number }>('/mentions/read');

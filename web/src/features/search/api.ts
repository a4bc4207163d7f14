import { api } from '@/api/client';
import type { SearchHit } from '@/api/identity-types';
import type { Page } from '@/api/types';

export interface SearchInput {
  q: string;
  contact_id: string | null;
  channel_id: string | null;
  agent_id: string | null;
  from: string | null;
  until: string | null;
}

export const searchMessages = (input: SearchInput, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<SearchHit>>(
    '/message-search',
    { ...input, q: input.q === '' ? null : input.q, cursor, limit: 30 },
    signal,
  );

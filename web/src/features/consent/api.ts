import { api, apiUrl } from '@/api/client';
import type {
  ConsentReview,
  ConsentSettings,
  ContactList,
  KeywordAction,
  KeywordTemplate,
  Page,
  Programme,
  ProgrammeSettings,
  Sender,
  SenderKeyword,
  SetupStatus,
  Subscription,
  TextReading,
  VoteTally,
} from '@/api/types';

export const fetchReviews = (
  state: ConsentReview['state'],
  cursor: string | null,
  signal?: AbortSignal,
) => api.get<Page<ConsentReview>>('/consent-reviews', { state, cursor, limit: 50 }, signal);

export const decideReview = (id: string, decision: 'revoke' | 'keep') =>
  api.post<ConsentReview>(`/consent-reviews/${id}/decide`, { decision });

export const fetchProgrammes = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Programme>>('/programmes', { cursor, limit: 200 }, signal);

export interface ProgrammeInput {
  sender_id: string;
  name: string;
  opt_in: Programme['opt_in'];
  covers: Programme['covers'];
  list_id: string | null;
  settings: ProgrammeSettings;
  version?: number;
}

export const createProgramme = (input: ProgrammeInput) => api.post<Programme>('/programmes', input);

export const changeProgramme = (id: string, input: ProgrammeInput) =>
  api.put<Programme>(`/programmes/${id}`, input);

export const setProgrammeEnded = (id: string, action: 'end' | 'resume') =>
  api.post<Programme>(`/programmes/${id}/${action}`, {});

export const fetchSubscriptions = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Subscription>>(`/programmes/${id}/subscriptions`, { cursor, limit: 50 }, signal);

export const subscribe = (id: string, input: { phone: string; wording?: string }) =>
  api.post<Subscription>(`/programmes/${id}/subscriptions`, { ...input, method: 'agent' });

export const fetchKeywords = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<SenderKeyword>>('/keywords', { cursor, limit: 200 }, signal);

export const fetchKeywordTemplates = (signal?: AbortSignal) =>
  api.get<Page<KeywordTemplate>>('/keyword-templates', {}, signal);

export const fetchVotes = (id: string, signal?: AbortSignal) =>
  api.get<VoteTally>(`/keywords/${id}/votes`, {}, signal);
export const votesUrl = (id: string) => apiUrl(`/keywords/${id}/votes.csv`);

export interface KeywordInput {
  sender_id: string;
  word: string;
  action: KeywordAction;
  valid_from: string | null;
  valid_until: string | null;
}

export const createKeyword = (input: KeywordInput) => api.post<SenderKeyword>('/keywords', input);

export const changeKeyword = (id: string, input: KeywordInput) =>
  api.put<SenderKeyword>(`/keywords/${id}`, input);

export const deleteKeyword = (id: string) => api.delete<unknown>(`/keywords/${id}`);

export const checkKeyword = (id: string | null, keyword: KeywordInput) =>
  api.post<{ plain: string; conflict: string | null }>('/keyword-checks', { id, keyword });

export const fetchSettings = (signal?: AbortSignal) =>
  api.get<ConsentSettings>('/consent-settings', {}, signal);

export const saveSettings = (settings: ConsentSettings) =>
  api.put<ConsentSettings>('/consent-settings', settings);

export const readText = (text: string) => api.post<TextReading>('/consent-readings', { text });

export const checkLedger = (signal?: AbortSignal) =>
  api.get<{ entries: number; unchained: number; broken_at: number | null }>(
    '/consent-ledger/check',
    {},
    signal,
  );

export const fetchSenders = (signal?: AbortSignal) => api.get<Page<Sender>>('/senders', {}, signal);

export const fetchSetup = (signal?: AbortSignal) =>
  api.get<SetupStatus>('/setup-status', {}, signal);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', {}, signal);

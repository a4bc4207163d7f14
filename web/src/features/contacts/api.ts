import { api, apiUrl } from '@/api/client';
import type {
  ConsentEvent,
  ConsentMethod,
  Contact,
  ContactConsent,
  ContactList,
  InboundText,
  Page,
} from '@/api/types';

export const fetchContacts = (
  search: string,
  listId: string,
  cursor: string | null,
  signal?: AbortSignal,
) => api.get<Page<Contact>>('/contacts', { search, list_id: listId, cursor, limit: 50 }, signal);

export const fetchContact = (id: string, signal?: AbortSignal) =>
  api.get<Contact>(`/contacts/${id}`, {}, signal);

export interface ContactInput {
  phone?: string | null;
  first_name?: string | null;
  last_name?: string | null;
  email?: string | null;
  attributes?: Record<string, string>;
}

export const createContact = (input: ContactInput) => api.post<Contact>('/contacts', input);

export const changeContact = (id: string, input: ContactInput) =>
  api.patch<Contact>(`/contacts/${id}`, input);

export const fetchConsentEvents = (id: string, signal?: AbortSignal) =>
  api.get<Page<ConsentEvent>>(`/contacts/${id}/consent-events`, { limit: 200 }, signal);

export const fetchContactConsent = (id: string, signal?: AbortSignal) =>
  api.get<ContactConsent>(`/contacts/${id}/consent`, {}, signal);

export const fetchContactTexts = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<InboundText>>(`/contacts/${id}/texts`, { cursor, limit: 20 }, signal);

export const endSubscription = (id: string) => api.post<unknown>(`/subscriptions/${id}/end`, {});

export const proofUrl = (id: string, format: 'json' | 'csv') =>
  apiUrl(`/contacts/${id}/consent-proof`, { format });

export interface ConsentInput {
  channel: ConsentEvent['channel'];
  purpose: ConsentEvent['purpose'];
  action: ConsentEvent['action'];
  method: ConsentMethod;
  wording?: string;
  proof?: string;
  expires_at?: string;
}

export const addConsentEvent = (id: string, input: ConsentInput) =>
  api.post<ConsentEvent>(`/contacts/${id}/consent-events`, input);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', { limit: 200 }, signal);

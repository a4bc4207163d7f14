import { api } from '@/api/client';
import type { ConsentEvent, ConsentMethod, Contact, ContactList, Page } from '@/api/types';

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

export interface ConsentInput {
  channel: ConsentEvent['channel'];
  purpose: ConsentEvent['purpose'];
  action: ConsentEvent['action'];
  method: ConsentMethod;
  wording?: string;
  proof?: string;
}

export const addConsentEvent = (id: string, input: ConsentInput) =>
  api.post<ConsentEvent>(`/contacts/${id}/consent-events`, input);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', { limit: 200 }, signal);

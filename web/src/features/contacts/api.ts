import { api, apiUrl } from '@/api/client';
import type {
  Session,
  Template,
  AttributeDefinition,
  ConsentEvent,
  ConsentMethod,
  Contact,
  ContactAddress,
  ContactConsent,
  ContactDeletion,
  ContactList,
  ContactMerge,
  ContactSort,
  ContactView,
  Duplicate,
  DuplicateSearch,
  FieldFilter,
  InboundText,
  OutgoingMessage,
  Page,
} from '@/api/types';

export const fetchAllTemplates = (signal?: AbortSignal) =>
  api.get<Page<Template>>('/templates', {}, signal);
export const startConversation = (
  contactId: string,
  channelId: string,
  reply: OutgoingMessage & { client_id: string },
) =>
  api.post<Session>(
    `/contacts/${contactId}/conversations`,
    { channel_id: channelId, reply },
    { idempotencyKey: reply.client_id },
  );

export const fetchContact = (id: string, signal?: AbortSignal) =>
  api.get<Contact>(`/contacts/${id}`, {}, signal);

export interface ContactInput {
  phone?: string | null;
  first_name?: string | null;
  last_name?: string | null;
  email?: string | null;
  external_key?: string | null;
  attributes?: Record<string, string | null>;
}

export const createContact = (input: ContactInput) => api.post<Contact>('/contacts', input);

export const changeContact = (id: string, input: ContactInput) =>
  api.patch<Contact>(`/contacts/${id}`, input);

export const fetchConsentEvents = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<ConsentEvent>>(`/contacts/${id}/consent-events`, { cursor, limit: 100 }, signal);

export const fetchContactConsent = (id: string, signal?: AbortSignal) =>
  api.get<ContactConsent>(`/contacts/${id}/consent`, {}, signal);

export const fetchContactTexts = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<InboundText>>(`/contacts/${id}/texts`, { cursor, limit: 20 }, signal);

export const receivedFileUrl = (contactId: string, id: string) =>
  apiUrl(`/contacts/${contactId}/text-files/${id}`);

export const fetchReceivedFile = (contactId: string, id: string) =>
  api.post<unknown>(`/contacts/${contactId}/text-files/${id}/fetch`, {});

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
  /** What it is about; everything when absent. */
  scope?: string;
  /** Which of the contact's numbers it is about; its own when absent. */
  address?: string;
}

export const addConsentEvent = (id: string, input: ConsentInput) =>
  api.post<ConsentEvent>(`/contacts/${id}/consent-events`, input);

/** Names and categories of all templates, one for each language. */
export const fetchTemplateNames = (signal?: AbortSignal) =>
  api.get<Page<{ name: string; category: string }>>('/templates', {}, signal);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', {}, signal);

export interface ContactPageQuery {
  search: string;
  listId: string;
  filters: FieldFilter[];
  sort: ContactSort;
}

export const fetchContactPage = (
  { search, listId, filters, sort }: ContactPageQuery,
  cursor: string | null,
  signal?: AbortSignal,
) =>
  api.get<Page<Contact>>(
    '/contacts',
    {
      search,
      list_id: listId,
      filters: filters.length === 0 ? '' : JSON.stringify(filters),
      sort,
      cursor,
      limit: 100,
    },
    signal,
  );

export const fetchViews = (signal?: AbortSignal) =>
  api.get<Page<ContactView>>('/contact-views', {}, signal);

export interface ViewInput {
  name: string;
  shared: boolean;
  query: ContactView['query'];
}

export const saveView = (id: string | null, input: ViewInput) =>
  id === null
    ? api.post<ContactView>('/contact-views', input)
    : api.put<ContactView>(`/contact-views/${id}`, input);

export const deleteView = (id: string) => api.delete<undefined>(`/contact-views/${id}`);

export const fetchAttributes = (signal?: AbortSignal) =>
  api.get<Page<AttributeDefinition>>('/attributes', {}, signal);

export interface AttributeInput {
  label: string;
  kind: AttributeDefinition['kind'];
  choices: string[];
}

export const defineAttribute = (input: AttributeInput) =>
  api.post<AttributeDefinition>('/attributes', input);

export const forgetAttribute = (name: string) => api.delete<undefined>(`/attributes/${name}`);

export const changeMembers = (listId: string, action: 'add' | 'remove', ids: string[]) =>
  api.post<{ changed: number }>(`/lists/${listId}/members`, { action, contact_ids: ids });

export const createList = (name: string) => api.post<ContactList>('/lists', { name });

export const deleteContacts = (ids: string[]) =>
  api.post<ContactDeletion>('/contact-deletions', { contact_ids: ids });

export const restoreContacts = (deletionId: string) =>
  api.post<{ changed: number }>(`/contact-deletions/${deletionId}/undo`);

export const fetchAddresses = (id: string, signal?: AbortSignal) =>
  api.get<Page<ContactAddress>>(`/contacts/${id}/addresses`, {}, signal);

export const setAddresses = (id: string, addresses: { kind: string; address: string }[]) =>
  api.put<Page<ContactAddress>>(`/contacts/${id}/addresses`, { addresses });

export const fetchDuplicates = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Duplicate>>('/duplicates', { cursor, limit: 25 }, signal);

export const dismissDuplicate = (first: string, second: string) =>
  api.post<undefined>('/duplicates/dismiss', { first_id: first, second_id: second });

export const fetchSearch = (signal?: AbortSignal) =>
  api.get<{ search: DuplicateSearch | null }>('/duplicates/search', {}, signal);

export const searchDuplicates = () => api.post<DuplicateSearch>('/duplicates/search');

export const mergeContacts = (keptId: string, mergedId: string, take: string[]) =>
  api.post<ContactMerge>('/contact-merges', { kept_id: keptId, merged_id: mergedId, take });

export const fetchMerges = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<ContactMerge>>('/contact-merges', { cursor, limit: 50 }, signal);

export const unmerge = (id: string) => api.post<ContactMerge>(`/contact-merges/${id}/undo`);

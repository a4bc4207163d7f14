import { api } from '@/api/client';
import type { WhatsAppForm } from '@/api/form-types';
import type { EarlierPart, MessageFlight } from '@/api/identity-types';
import type { Colleague } from '@/api/inbox-types';
import type { TemplateChoice } from '@/api/template-types';
import type { Case, Message, Page, PendingReply, Queue, QuickReply, Session } from '@/api/types';

const PAGE_SIZE = 50;

export const fetchSession = (id: string, signal?: AbortSignal) =>
  api.get<Session>(`/sessions/${id}`, {}, signal);

export const fetchMessages = (id: string, before: string | null, signal?: AbortSignal) =>
  api.get<Page<Message>>(`/sessions/${id}/messages`, { before, limit: PAGE_SIZE }, signal);

export const fetchEarlier = (id: string, before: string | null) =>
  api.get<EarlierPart>(`/sessions/${id}/earlier`, { before, limit: PAGE_SIZE });

export const fetchFlight = (sessionId: string, messageId: string, signal?: AbortSignal) =>
  api.get<MessageFlight>(`/sessions/${sessionId}/messages/${messageId}/flight`, {}, signal);

export const fetchColleagues = (sessionId: string, signal?: AbortSignal) =>
  api.get<Page<Colleague>>(`/sessions/${sessionId}/colleagues`, {}, signal);

export const fetchQueues = (signal?: AbortSignal) => api.get<Page<Queue>>('/queues', {}, signal);

export const markRead = (id: string) => api.post<Session>(`/sessions/${id}/read`);

export const tellTyping = (id: string) => api.post<unknown>(`/sessions/${id}/typing`);

export const fetchPending = (sessionId: string, signal?: AbortSignal) =>
  api.get<Page<PendingReply>>(`/sessions/${sessionId}/pending-replies`, {}, signal);
export const keepReply = (sessionId: string, text: string, clientId: string) =>
  api.post<PendingReply>(
    `/sessions/${sessionId}/pending-replies`,
    { kind: 'text', text, client_id: clientId },
    { idempotencyKey: clientId },
  );
export const changePending = (id: string, text: string, version: number) =>
  api.patch<PendingReply>(`/pending-replies/${id}`, { text, version });
export const discardPending = (id: string) => api.delete<unknown>(`/pending-replies/${id}`);
export const sendPending = (id: string) => api.post<Message>(`/pending-replies/${id}/send`);

export const takeOver = (id: string) => api.post<Session>(`/sessions/${id}/take-over`);

export const transfer = (id: string, target: { queue_id: string } | { user_id: string }) =>
  api.post<Session>(`/sessions/${id}/transfer`, target);

export const openCase = (id: string, subject: string) =>
  api.post<Case>(`/sessions/${id}/cases`, { subject });

export interface EndInput {
  close_case: boolean;
  outcome: 'won' | 'lost' | 'none';
  reason?: string;
}

export const endSession = (id: string, input: EndInput) =>
  api.post<Session>(`/sessions/${id}/end`, input);

export const fetchSessionTemplates = (id: string, signal?: AbortSignal) =>
  api.get<Page<TemplateChoice>>(`/sessions/${id}/templates`, {}, signal);

export const fetchSessionForms = (id: string, signal?: AbortSignal) =>
  api.get<Page<WhatsAppForm>>(`/sessions/${id}/forms`, {}, signal);

export const fetchQuickReplies = (signal?: AbortSignal) =>
  api.get<Page<QuickReply> | QuickReply[]>('/quick-replies', {}, signal);

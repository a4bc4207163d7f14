import { api } from '@/api/client';
import type { Case, CustomerPanel, Lead, LeadStatus, Session } from '@/api/types';

export const fetchPanel = (sessionId: string, signal?: AbortSignal) =>
  api.get<CustomerPanel>(`/sessions/${sessionId}/panel`, {}, signal);

export type LinkTarget =
  { contact_id: string } | { lead_id: string } | { create: true; object?: 'contact' | 'lead' };

export const linkCustomer = (sessionId: string, target: LinkTarget & { note?: string }) =>
  api.post<unknown>(`/sessions/${sessionId}/link`, target);

export const postponeLink = (sessionId: string) =>
  api.post<unknown>(`/sessions/${sessionId}/postpone-link`);

export const undoLink = (sessionId: string, linkId: string) =>
  api.post<unknown>(`/sessions/${sessionId}/links/${linkId}/undo`);

export const mergeCustomers = (sessionId: string, messagingUserId: string) =>
  api.post<unknown>(`/sessions/${sessionId}/customer-merges`, {
    messaging_user_id: messagingUserId,
  });

export const partCustomers = (sessionId: string, mergeId: string) =>
  api.post<unknown>(`/sessions/${sessionId}/customer-merges/${mergeId}/undo`);

export const blockCustomer = (sessionId: string, reason: string) =>
  api.post<Session>(`/sessions/${sessionId}/block`, { reason });

export const unblockCustomer = (messagingUserId: string) =>
  api.delete(`/customer-blocks/${messagingUserId}`);

export const setLanguage = (sessionId: string, language: string | null) =>
  api.put<unknown>(`/sessions/${sessionId}/language`, { language });

export const unlinkCustomer = (sessionId: string) =>
  api.post<unknown>(`/sessions/${sessionId}/unlink`);

export interface LeadInput {
  name: string;
  phone?: string;
  email?: string;
  note?: string;
}

export const createLead = (sessionId: string, input: LeadInput) =>
  api.post<Lead>(`/sessions/${sessionId}/leads`, input);

export const createCase = (sessionId: string, subject: string) =>
  api.post<Case>(`/sessions/${sessionId}/cases`, { subject });

export const setLeadStatus = (leadId: string, status: LeadStatus) =>
  api.patch<Lead>(`/leads/${leadId}`, { status });

import { api } from '@/api/client';
import type { Case, CustomerPanel, Lead, LeadStatus } from '@/api/types';

export const fetchPanel = (sessionId: string, signal?: AbortSignal) =>
  api.get<CustomerPanel>(`/sessions/${sessionId}/panel`, {}, signal);

export const linkCustomer = (
  sessionId: string,
  target: { contact_id: string } | { create: true },
) => api.post<unknown>(`/sessions/${sessionId}/link`, target);

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

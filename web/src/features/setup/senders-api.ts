import { api } from '@/api/client';
import type {
  ChannelPrices,
  Registration,
  RegistrationKind,
  RegistrationState,
  RouteBy,
  SenderAlphabet,
  SenderCapabilities,
  SenderDetail,
  SenderPool,
} from '@/api/sender-types';
import type { QuietSpan } from '@/api/policy-types';
import type { Page, Sender } from '@/api/types';

export const fetchRegistrations = (signal?: AbortSignal) =>
  api.get<Page<Registration>>('/registrations', {}, signal);
export const createRegistration = (input: {
  kind: RegistrationKind;
  name: string;
  country?: string;
  parent_id?: string;
  reference?: string;
}) => api.post<Registration>('/registrations', input);
export const stepRegistration = (
  id: string,
  input: { state: RegistrationState; note?: string; expires_at?: string },
) => api.post<Registration>(`/registrations/${id}/step`, input);

export const fetchSenders = (signal?: AbortSignal) =>
  api.get<Page<SenderDetail>>('/senders', {}, signal);
export const changeSender = (
  id: string,
  input: {
    registration?: Sender['registration'];
    countries?: string[];
    registration_ids?: string[];
    alphabet?: SenderAlphabet;
  },
) => api.patch<SenderDetail>(`/senders/${id}`, input);

export const setSenderLimit = (id: string, segments_per_second: number | null) =>
  api.put<SenderDetail>(`/senders/${id}/limit`, { segments_per_second });
export const setSenderFallback = (
  id: string,
  input: { sender_id: string | null; after_seconds?: number },
) => api.put<SenderDetail>(`/senders/${id}/fallback`, input);
export const setSenderRoutes = (id: string, input: { by?: RouteBy; sender_ids: string[] }) =>
  api.put<SenderDetail>(`/senders/${id}/routes`, input);
export const fetchChannelPrices = (id: string, signal?: AbortSignal) =>
  api.get<Page<ChannelPrices>>(`/channels/${id}/prices`, {}, signal);
export const addChannelPrices = (
  id: string,
  input: Pick<ChannelPrices, 'prices' | 'other_price'> & { valid_from?: string },
) => api.post<ChannelPrices>(`/channels/${id}/prices`, input);
export const setSenderHours = (
  id: string,
  input: { quiet_hours: { start: string; end: string }; quiet_spans: QuietSpan[] },
) => api.put<SenderDetail>(`/senders/${id}/hours`, input);
export const setRegistrationLimits = (
  id: string,
  input: { segments_per_minute: number | null; segments_per_day: number | null },
) => api.put<Registration>(`/registrations/${id}/limits`, input);

export const fetchSenderPools = (signal?: AbortSignal) =>
  api.get<Page<SenderPool>>('/sender-pools', {}, signal);
export const createSenderPool = (input: { name: string; sender_ids: string[] }) =>
  api.post<SenderPool>('/sender-pools', input);
export const changeSenderPool = (id: string, input: { name: string; sender_ids: string[] }) =>
  api.patch<SenderPool>(`/sender-pools/${id}`, input);
export const deleteSenderPool = (id: string) => api.delete<unknown>(`/sender-pools/${id}`);

export const fetchSenderCapabilities = (signal?: AbortSignal) =>
  api.get<SenderCapabilities>('/sender-capabilities', {}, signal);

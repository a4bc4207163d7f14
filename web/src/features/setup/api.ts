import type { LinkingSettings } from '@/api/identity-types';
import { api } from '@/api/client';
import type { LinkDomain } from '@/api/link-types';
import type {
  ApiKey,
  Channel,
  ChannelNotice,
  ChannelNumber,
  DeadLetter,
  Flow,
  FlowProblem,
  Page,
  Queue,
  Role,
  Sender,
  SetupStatus,
  User,
  Workspace,
} from '@/api/types';

export const fetchSetup = (signal?: AbortSignal) =>
  api.get<SetupStatus>('/setup-status', {}, signal);

export interface ChannelInput {
  kind: Channel['kind'];
  name: string;
  /** Slugs; an empty text takes bot or queue away. */
  flow: string;
  queue: string;
  config: Record<string, unknown>;
}

export const createChannel = (input: ChannelInput) => api.post<Channel>('/channels', input);
export const changeChannel = (id: string, input: Partial<Omit<ChannelInput, 'kind'>>) =>
  api.patch<Channel>(`/channels/${id}`, input);
export const checkChannel = (id: string) =>
  api.post<{ ok: boolean; detail: string }>(`/channels/${id}/check`);
export const syncTemplates = (id: string) =>
  api.post<{ count: number }>(`/channels/${id}/sync-templates`);

export const fetchChannelNumber = (id: string, signal?: AbortSignal) =>
  api.get<ChannelNumber>(`/channels/${id}/number`, {}, signal);
export const setNumberProfile = (
  id: string,
  input: Omit<ChannelNumber['profile'], 'picture_url'> & { picture_media_id: string | null },
) => api.put<unknown>(`/channels/${id}/number/profile`, input);
export const registerNumber = (id: string, pin: string) =>
  api.post<unknown>(`/channels/${id}/number/register`, { pin });
export const setNumberPin = (id: string, pin: string) =>
  api.put<unknown>(`/channels/${id}/number/pin`, { pin });
export const requestNumberCode = (id: string, input: { by: 'sms' | 'voice'; language: string }) =>
  api.post<unknown>(`/channels/${id}/number/request-code`, input);
export const verifyNumberCode = (id: string, code: string) =>
  api.post<unknown>(`/channels/${id}/number/verify-code`, { code });
export const setNumberWebhook = (id: string, own: boolean) =>
  api.put<unknown>(`/channels/${id}/number/webhook`, { own });

export const fetchChannelNotices = (id: string, signal?: AbortSignal) =>
  api.get<Page<ChannelNotice>>(`/channels/${id}/notices`, { limit: 20 }, signal);

export const createSender = (input: Omit<Sender, 'id'>) => api.post<Sender>('/senders', input);

export const createQueue = (input: {
  name: string;
  slug: string;
  offer_seconds: number;
  member_ids: string[];
}) => api.post<Queue>('/queues', input);
export const changeQueue = (
  id: string,
  input: { name?: string; offer_seconds?: number; member_ids?: string[] },
) => api.patch<Queue>(`/queues/${id}`, input);

export const createUser = (input: { name: string; email: string; role: Role; password: string }) =>
  api.post<User>('/users', input);
export const changeUser = (
  id: string,
  input: { name?: string; role?: Role; disabled?: boolean; password?: string },
) => api.patch<User>(`/users/${id}`, input);

export const fetchFlow = (id: string, signal?: AbortSignal) =>
  api.get<Flow & { source: string }>(`/flows/${id}`, {}, signal);
export const validateFlow = (source: string) =>
  api.post<{ valid: boolean; problems: FlowProblem[] }>('/flows/validate', { source });
export const publishFlow = (slug: string, source: string) =>
  api.put<Flow>(`/flows/${slug}`, { source });

export const fetchApiKeys = (signal?: AbortSignal) =>
  api.get<Page<ApiKey>>('/api-keys', {}, signal);
export const createApiKey = (input: { name: string; role: Role }) =>
  api.post<{ api_key: ApiKey; secret: string }>('/api-keys', input);
export const deleteApiKey = (id: string) => api.delete<unknown>(`/api-keys/${id}`);

export type DeadLetterState = 'open' | 'all';

export const fetchDeadLetters = (
  state: DeadLetterState,
  cursor: string | null,
  signal?: AbortSignal,
) => api.get<Page<DeadLetter>>('/dead-letters', { state, cursor, limit: 100 }, signal);
export const replayDeadLetter = (id: string, reason: string) =>
  api.post<unknown>(`/dead-letters/${id}/replay`, { reason });
export const discardDeadLetter = (id: string, reason: string) =>
  api.post<unknown>(`/dead-letters/${id}/discard`, { reason });

export const changeWorkspace = (input: Partial<Omit<Workspace, 'id'>>) =>
  api.patch<Workspace>('/workspace', input);

export const fetchLinkDomains = (signal?: AbortSignal) =>
  api.get<Page<LinkDomain>>('/link-domains', {}, signal);
export const addLinkDomain = (host: string) => api.post<LinkDomain>('/link-domains', { host });
export const makeLinkDomainDefault = (id: string) =>
  api.post<LinkDomain>(`/link-domains/${id}/default`);
export const removeLinkDomain = (id: string) => api.delete<unknown>(`/link-domains/${id}`);

export const fetchLinking = (signal?: AbortSignal) =>
  api.get<LinkingSettings>('/linking-rules', {}, signal);

export const changeLinking = (input: LinkingSettings) =>
  api.put<LinkingSettings>('/linking-rules', input);

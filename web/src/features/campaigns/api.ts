import { api, apiUrl } from '@/api/client';
import type { DataTableDefinition } from '@/api/table-types';
import type { SenderDetail, SenderPool } from '@/api/sender-types';
import type {
  Advertisement,
  Campaign,
  CampaignCharges,
  CampaignInput,
  CampaignPreview,
  CampaignSettings,
  Contact,
  ContactList,
  Funnel,
  Media,
  NumberLimits,
  Page,
  Preflight,
  Programme,
  Recipient,
  SetupStatus,
  Template,
  TextFile,
  TextPreview,
  VariantReport,
} from '@/api/types';
import type { LocaleText, Snippet, TestPerson } from '@/api/text-types';
import { toSend } from './words';

export const fetchCampaigns = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Campaign>>('/campaigns', { cursor, limit: 50 }, signal);

export const fetchCampaign = (id: string, signal?: AbortSignal) =>
  api.get<Campaign>(`/campaigns/${id}`, {}, signal);

export const createCampaign = (input: CampaignInput) =>
  api.post<Campaign>('/campaigns', toSend(input));

/** Writes a draft, unless somebody else has changed that version meanwhile. */
export const changeCampaign = (id: string, input: CampaignInput, version: number) =>
  api.patch<Campaign>(`/campaigns/${id}`, { ...toSend(input), version });

/** Takes a file that a campaign is to send above its template. */
export const uploadCampaignFile = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<Media>('/campaign-files', form);
};

/** Takes a picture or other file that texts are to have. */
export const uploadTextFile = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<TextFile>('/text-files', form);
};

export const textFileUrl = (id: string) => apiUrl(`/text-files/${id}`);

export const fetchCampaignMedia = (id: string, signal?: AbortSignal) =>
  api.get<Page<TextFile>>(`/campaigns/${id}/media`, {}, signal);

export const fetchSenderDetails = (signal?: AbortSignal) =>
  api.get<Page<SenderDetail>>('/senders', {}, signal);

export const deleteCampaign = (id: string) => api.delete<unknown>(`/campaigns/${id}`);

export type CampaignAction =
  'start' | 'submit' | 'approve' | 'reject' | 'withdraw' | 'pause' | 'resume' | 'cancel';

export const actOnCampaign = (id: string, action: CampaignAction) =>
  api.post<Campaign>(`/campaigns/${id}/${action}`, {});

/** Says yes or no to a campaign, only if it still is the version that was looked at. */
export const reviewCampaign = (
  id: string,
  verdict: 'approve' | 'reject',
  review: { comment: string; version: number },
) => api.post<Campaign>(`/campaigns/${id}/${verdict}`, review);

/** Starts it only if it still is what the check with this mark looked at. */
export const startCampaign = (id: string, mark: string) =>
  api.post<Campaign>(`/campaigns/${id}/start`, {}, { query: { preflight: mark } });

export const copyCampaign = (id: string) => api.post<Campaign>(`/campaigns/${id}/copy`);

export const checkCampaign = (id: string) => api.post<Preflight>(`/campaigns/${id}/preflight`);

export const fetchVariants = (id: string, signal?: AbortSignal) =>
  api.get<VariantReport>(`/campaigns/${id}/variants`, {}, signal);

export const fetchCampaignSettings = (signal?: AbortSignal) =>
  api.get<CampaignSettings>('/campaign-settings', {}, signal);

/** With the name of the variant whose text is sent, of a campaign that has some. */
export const testSend = (id: string, phone: string, variant: string | null) =>
  api.post<{ message_id: string }>(`/campaigns/${id}/test-send`, {
    phone,
    ...(variant === null ? {} : { variant }),
  });

export const previewCampaign = (id: string) =>
  api.post<CampaignPreview>(`/campaigns/${id}/preview`);

export interface TextInput {
  body: string;
  footer: CampaignInput['footer'];
  prefilled_text: string;
  whatsapp_channel_id?: string;
  sender_id?: string;
  pool_id?: string;
  texts: LocaleText[];
  contact_id?: string;
  person?: TestPerson;
}

export const previewText = (input: TextInput) =>
  api.post<TextPreview>('/campaigns/preview-text', input);

export const searchContacts = (search: string, signal?: AbortSignal) =>
  api.get<Page<Contact>>('/contacts', { search, limit: 20 }, signal);

export const fetchSnippets = (signal?: AbortSignal) =>
  api.get<Page<Snippet>>('/snippets', {}, signal);

export const fetchAdvertisements = (signal?: AbortSignal) =>
  api.get<Page<Advertisement>>('/advertisements', {}, signal);
export const fetchFunnel = (id: string, signal?: AbortSignal) =>
  api.get<Funnel>(`/campaigns/${id}/funnel`, {}, signal);

export const fetchRecipients = (
  id: string,
  state: string,
  search: string,
  cursor: string | null,
  signal?: AbortSignal,
) =>
  api.get<Page<Recipient>>(
    `/campaigns/${id}/recipients`,
    { state, search, cursor, limit: 50 },
    signal,
  );

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', {}, signal);

/** All of them: one that a draft names must not look as if it were gone. */
export async function fetchProgrammeChoice(signal?: AbortSignal): Promise<Programme[]> {
  const programmes: Programme[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Programme> = await api.get('/programmes', { cursor, limit: 200 }, signal);
    programmes.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return programmes;
}

export const fetchSenderPools = (signal?: AbortSignal) =>
  api.get<Page<SenderPool>>('/sender-pools', {}, signal);
export const fetchTemplates = (signal?: AbortSignal) =>
  api.get<Page<Template>>('/templates', {}, signal);

export const fetchLimits = (channelId: string, signal?: AbortSignal) =>
  api.get<NumberLimits>(`/channels/${channelId}/limits`, {}, signal);

export const resumeMarketing = (channelId: string, template: string) =>
  api.post<unknown>(`/channels/${channelId}/resume-marketing`, { template });

export const fetchCharges = (id: string, signal?: AbortSignal) =>
  api.get<CampaignCharges>(`/campaigns/${id}/charges`, {}, signal);

export const fetchSetup = (signal?: AbortSignal) =>
  api.get<SetupStatus>('/setup-status', {}, signal);

export const fetchTables = (signal?: AbortSignal) =>
  api.get<Page<DataTableDefinition>>('/tables', {}, signal);

import { api } from '@/api/client';
import type { WhatsAppForm } from '@/api/form-types';
import type {
  TemplateCheck,
  TemplateDefault,
  TemplateDetail,
  TemplateParts,
} from '@/api/template-types';
import type { Media, Page, Template } from '@/api/types';

export const fetchAllTemplates = (signal?: AbortSignal) =>
  api.get<Page<Template>>('/templates', {}, signal);
export const fetchTemplate = (id: string, signal?: AbortSignal) =>
  api.get<TemplateDetail>(`/templates/${id}`, {}, signal);
export const createTemplate = (channel_id: string, parts: TemplateParts) =>
  api.post<TemplateDetail>('/templates', { channel_id, parts });
export const changeTemplate = (id: string, parts: TemplateParts) =>
  api.put<TemplateDetail>(`/templates/${id}`, { parts });
export const submitTemplate = (id: string) => api.post<TemplateDetail>(`/templates/${id}/submit`);
export const discardDraft = (id: string) => api.delete<TemplateDetail>(`/templates/${id}/draft`);
export const deleteTemplate = (id: string, extent: 'language' | 'name') =>
  api.delete<unknown>(`/templates/${id}${extent === 'name' ? '?all_languages=true' : ''}`);
export const lintTemplate = (parts: TemplateParts, signal?: AbortSignal) =>
  api.post<TemplateCheck>('/templates/lint', parts, signal === undefined ? {} : { signal });
export const saveDefaults = (id: string, defaults: TemplateDefault[]) =>
  api.put<TemplateDetail>(`/templates/${id}/defaults`, { defaults });

export const fetchForms = (signal?: AbortSignal) =>
  api.get<Page<WhatsAppForm>>('/forms', {}, signal);
export const syncForms = (channelId: string) =>
  api.post<{ count: number }>(`/channels/${channelId}/sync-forms`);

export const uploadExample = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<Media>('/media', form);
};

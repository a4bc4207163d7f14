import { api } from '@/api/client';
import type { Snippet, SnippetUses, SnippetVersion } from '@/api/text-types';
import type { CampaignSettings, Page } from '@/api/types';

export const fetchSnippets = (signal?: AbortSignal) =>
  api.get<Page<Snippet>>('/snippets', {}, signal);
export const createSnippet = (name: string, body: string) =>
  api.post<Snippet>('/snippets', { name, body });
export const changeSnippet = (id: string, body: string, version: number) =>
  api.patch<Snippet>(`/snippets/${id}`, { body, version });
export const removeSnippet = (id: string) => api.delete<unknown>(`/snippets/${id}`);
export const fetchSnippetVersions = (id: string, signal?: AbortSignal) =>
  api.get<Page<SnippetVersion>>(`/snippets/${id}/versions`, {}, signal);
export const fetchSnippetUses = (id: string, signal?: AbortSignal) =>
  api.get<SnippetUses>(`/snippets/${id}/uses`, {}, signal);

export const fetchCampaignSettings = (signal?: AbortSignal) =>
  api.get<CampaignSettings>('/campaign-settings', {}, signal);
/** Changes some of them; the others stay as they are by now, also where somebody else has changed them. */
export const changeCampaignSettings = (change: Partial<CampaignSettings>) =>
  api.patch<CampaignSettings>('/campaign-settings', change);

import { api, apiUrl } from '@/api/client';
import type { CampaignLinks, ClickFigures, LinkDomain, LinkSettings } from '@/api/link-types';
import type { Page } from '@/api/types';

export const fetchLinks = (id: string, signal?: AbortSignal) =>
  api.get<CampaignLinks>(`/campaigns/${id}/links`, {}, signal);

export const changeLinks = (id: string, change: Partial<LinkSettings>) =>
  api.patch<CampaignLinks>(`/campaigns/${id}/links`, change);

export const switchLinks = (id: string, to: 'stop' | 'allow') =>
  api.post<CampaignLinks>(`/campaigns/${id}/links/${to}`);

export const switchLink = (id: string, link: number, to: 'on' | 'stopped') =>
  api.patch<CampaignLinks>(`/campaigns/${id}/links/${link}`, { switch: to });

export const fetchClicks = (id: string, signal?: AbortSignal) =>
  api.get<ClickFigures>(`/campaigns/${id}/clicks`, { stretch: 'hour' }, signal);

export const fetchDomains = (signal?: AbortSignal) =>
  api.get<Page<LinkDomain>>('/link-domains', {}, signal);

export const qrUrl = (id: string, link: number, form: 'svg' | 'png') =>
  apiUrl(`/campaigns/${id}/links/qr`, { link, form });

import { api } from '@/api/client';
import type { MonthVolumes, RateCard, RateCardCheck } from '@/api/price-types';
import type { Page } from '@/api/types';

export interface PriceTable {
  name: string;
  valid_from: string;
  currency: string;
  csv: string;
  /** The tiers, where they are a table of their own. */
  tiers_csv: string | null;
}

export const fetchRateCards = (signal?: AbortSignal) =>
  api.get<Page<RateCard>>('/rate-cards', {}, signal);
export const fetchVolumes = (signal?: AbortSignal) =>
  api.get<MonthVolumes>('/volume-tiers', {}, signal);
export const checkRateCard = (table: PriceTable) =>
  api.post<RateCardCheck>('/rate-card-checks', table);
export const importRateCard = (table: PriceTable) => api.post<RateCard>('/rate-cards', table);
export const removeRateCard = (card: { valid_from: string; currency: string }) =>
  api.delete<unknown>(`/rate-cards/${card.valid_from}/${card.currency}`);

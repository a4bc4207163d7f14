import { api } from '@/api/client';
import type {
  BounceRules,
  NumbersDeactivated,
  Suppression,
  SuppressionEvent,
  SuppressionsChanged,
  SuppressionSource,
} from '@/api/text-types';
import type { Page } from '@/api/types';

export const fetchSuppressions = (
  search: string,
  source: SuppressionSource | '',
  cursor: string | null,
  signal?: AbortSignal,
) =>
  api.get<Page<Suppression>>(
    '/suppressions',
    { search, source: source === '' ? null : source, cursor, limit: 50 },
    signal,
  );
export const addSuppressions = (input: {
  numbers: string[];
  reason: string;
  source: 'manual' | 'file';
}) => api.post<SuppressionsChanged>('/suppressions', input);
export const removeSuppressions = (addresses: string[], reason: string) =>
  api.post<SuppressionsChanged>('/suppression-removals', { addresses, reason });
export const fetchSuppressionEvents = (address: string, signal?: AbortSignal) =>
  api.get<Page<SuppressionEvent>>('/suppression-events', { address }, signal);
export const deactivateNumbers = (input: {
  numbers: { phone: string; on?: string }[];
  source: string;
}) => api.post<NumbersDeactivated>('/number-deactivations', input);
export const fetchBounceRules = (signal?: AbortSignal) =>
  api.get<BounceRules>('/bounce-rules', {}, signal);
export const changeBounceRules = (rules: BounceRules) =>
  api.put<BounceRules>('/bounce-rules', rules);

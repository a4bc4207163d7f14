import { api } from '@/api/client';
import type { Policy, RuleBook } from '@/api/policy-types';
import type { Page } from '@/api/types';

export const fetchPolicy = (signal?: AbortSignal) => api.get<Policy>('/policy', {}, signal);
export const changePolicy = (input: Partial<Omit<Policy, 'open_hours'>>) =>
  api.patch<Policy>('/policy', input);
export const fetchRuleBooks = (signal?: AbortSignal) =>
  api.get<Page<RuleBook>>('/rule-books', {}, signal);

import type { CapPeriod } from '@/api/policy-types';

/** The times a cap looks back over. */
export const PERIODS: { value: CapPeriod; label: string }[] = [
  { value: 'day', label: 'In 24 hours' },
  { value: 'week', label: 'In 7 days' },
  { value: 'month', label: 'In 30 days' },
];

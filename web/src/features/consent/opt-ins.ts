import type { Programme } from '@/api/types';

export const OPT_INS: Record<Programme['opt_in'], string> = {
  single: 'Single: the word is enough',
  double: 'Double: the person confirms',
  age_gated: 'Age gate: the person gives a birth date',
};

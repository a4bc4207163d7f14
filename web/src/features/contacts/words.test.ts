import { describe, expect, it } from 'vitest';
import type { Contact } from '@/api/types';
import { allColumns } from './columns';
import { filterWords } from './FilterBar';
import { fieldsOf } from './MergeDialog';

const contact = (part: Partial<Contact>): Contact => ({
  id: 'con_1',
  phone: null,
  first_name: null,
  last_name: null,
  email: null,
  locale: null,
  time_zone: null,
  external_key: null,
  attributes: {},
  sms_consent: 'none',
  whatsapp_consent: 'none',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  ...part,
});

describe('filterWords', () => {
  it('reads as a sentence', () => {
    const columns = [
      { key: 'sms_consent', title: 'SMS consent' },
      { key: 'points', title: 'Points' },
    ];
    const words = (field: string, op: 'equals' | 'at_least' | 'missing', value = '') =>
      filterWords({ field, op, value }, columns);
    expect(words('points', 'at_least', '30')).toBe('Points is at least 30');
    expect(words('sms_consent', 'equals', 'revoked')).toBe('SMS consent is Revoked');
    expect(words('last_name', 'missing', 'left over')).toBe('Last name is empty');
    expect(words('shoe', 'equals', '38')).toBe('shoe is 38');
  });
});

describe('fieldsOf', () => {
  it('lists what at least one of the two has', () => {
    const one = contact({ first_name: 'Ana', external_key: 'K-1', attributes: { shoe_size: '' } });
    const other = contact({ email: 'a@example.com', attributes: { city: 'Rome' } });
    const names = fieldsOf([one, other]).map((field) => field.name);
    expect(names).toEqual(['first_name', 'email', 'external_key', 'city']);
  });
});

describe('allColumns', () => {
  it('has defined attributes and those that were seen, each once', () => {
    const points = { name: 'points', label: 'Points', kind: 'boolean', choices: [] } as const;
    const definition = { ...points, choices: [], created_at: '2026-01-01T00:00:00Z' };
    const seen = contact({ attributes: { points: 'true', city: 'Rome' } });
    const columns = allColumns([definition], [seen]);
    expect(columns.filter((column) => ['points', 'city'].includes(column.key))).toHaveLength(2);
    expect(columns.find((column) => column.key === 'points')?.render(seen)).toBe('Yes');
    expect(columns.find((column) => column.key === 'city')?.render(seen)).toBe('Rome');
  });
});

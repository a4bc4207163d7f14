import { describe, expect, it } from 'vitest';
import type { TableColumnDefinition } from '@/api/table-types';
import { mappingProblem, suggestColumns } from './table-mapping';

const column = (name: string, label: string, is_key = false): TableColumnDefinition => ({
  name,
  label,
  kind: 'text',
  choices: [],
  is_key,
});
const table = { columns: [column('order_no', 'Order No.', true), column('total', 'Total')] };

describe('a file for a table', () => {
  it('is read by the names of its columns', () => {
    expect(suggestColumns(['Order no', 'TOTAL', 'Total', 'Else'], table)).toEqual({
      'Order no': 'order_no',
      TOTAL: 'total',
      Total: '',
      Else: '',
    });
  });
  it('needs every column of the key, each once', () => {
    expect(mappingProblem({ a: 'total' }, table)).toContain('Order No.');
    expect(mappingProblem({ a: 'order_no', b: 'order_no' }, table)).toContain('Two columns');
    expect(mappingProblem({ a: 'order_no', b: '' }, table)).toBeNull();
  });
});

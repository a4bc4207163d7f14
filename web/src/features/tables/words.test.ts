import { describe, expect, it } from 'vitest';
import { conditionOf, keyCondition } from './words';

describe('the filter of the grid', () => {
  it('writes values as values, whatever stands in them', () => {
    const text = { name: 'status', kind: 'text' } as const;
    expect(conditionOf(text, 'is', 'a" || true')).toBe('row["status"] == "a\\" || true"');
    expect(conditionOf(text, 'contains', 'ÄB')).toBe('row["status"].lowerAscii().contains("Äb")');
    expect(conditionOf(text, 'is', ' ')).toBe('');
    expect(conditionOf({ name: 'n', kind: 'number' }, 'at_least', '1,5')).toBe(
      'double(row["n"]) >= 1.5',
    );
    expect(conditionOf({ name: 'n', kind: 'number' }, 'is', 'many')).toBe('');
    for (const [given, kept] of [
      ['1.234,56', '1234.56'],
      ['-1,234,567.5', '-1234567.5'],
      ['1.234.567', '1234567'],
      ['1.200', '1.2'],
      ['0,125', '0.125'],
      ['1,200', ''],
      ['1,20.5', ''],
      ['1,2,3', ''],
    ] as const) {
      const condition = conditionOf({ name: 'n', kind: 'number' }, 'is', given);
      expect(condition, given).toBe(kept === '' ? '' : `double(row["n"]) == ${kept}`);
    }
    expect(conditionOf({ name: 'd', kind: 'date' }, 'at_most', '2026-03-31')).toBe(
      'day(row["d"]) <= "2026-03-31"',
    );
  });
});

describe('the row with a key', () => {
  const columns = [
    { name: 'shop', kind: 'text' as const, is_key: true },
    { name: 'n', kind: 'number' as const, is_key: true },
  ];

  it('is looked for by the key as the server keeps it', () => {
    expect(keyCondition(columns, { shop: ' Ro\u0007me\t', n: '1,200.5' })).toBe(
      'row["shop"] == "Rome" && double(row["n"]) == 1200.5',
    );
    expect(keyCondition(columns, { shop: 'Rome', n: '1,5' })).toMatch(/ == 1.5$/);
    expect(keyCondition(columns, { shop: 'Rome\nEast', n: '7' })).toContain('"Rome\\nEast"');
    expect(keyCondition(columns, { shop: 'Rome', n: '1,200,5' })).toBe('');
  });
});

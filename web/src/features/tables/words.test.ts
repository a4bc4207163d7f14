import { describe, expect, it } from 'vitest';
import { conditionOf } from './words';

describe('the filter of the grid', () => {
  it('writes values as values, whatever stands in them', () => {
    const text = { name: 'status', kind: 'text' } as const;
    expect(conditionOf(text, 'is', 'a" || true')).toBe('row["status"] == "a\\" || true"');
    expect(conditionOf(text, 'contains', 'ÄB')).toBe('row["status"].lowerAscii().contains("Äb")');
    expect(conditionOf(text, 'is', ' ')).toBe('');
    expect(conditionOf(text, 'is', ' Ro\u0007me\t')).toBe('row["status"] == "Rome"');
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

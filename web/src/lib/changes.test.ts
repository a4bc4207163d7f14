import { describe, expect, it } from 'vitest';
import { changesOf, rebased, same } from './changes';

describe('changesOf', () => {
  it('names only what is not as it was', () => {
    const before = { name: 'A', tags: ['x'], hours: { from: '09:00' } };
    expect(changesOf(before, { ...before, tags: ['x'], hours: { from: '10:00' } })).toEqual({
      hours: { from: '10:00' },
    });
  });
});

describe('same', () => {
  it('does not mind the order of fields, and minds that of lists', () => {
    expect(same({ a: [{ b: 1, c: 2 }], d: 3 }, { d: 3, a: [{ c: 2, b: 1 }] })).toBe(true);
    expect(same([1, 2], [2, 1])).toBe(false);
    expect(same({ a: 1 }, { a: 1, b: null })).toBe(false);
  });
});

describe('rebased', () => {
  const before = { brand: 'A', rules: { scope: 'all', silent: ['stop'] }, own: { de: 1, fr: 2 } };

  it('keeps what others changed, and what was changed here', () => {
    const after = { ...before, rules: { scope: 'all', silent: [] } };
    const stored = { ...before, brand: 'B', rules: { scope: 'sender', silent: ['stop'] } };
    expect(rebased(before, after, stored)).toEqual({
      ...before,
      brand: 'B',
      rules: { scope: 'sender', silent: [] },
    });
  });

  it('takes out what was taken out here, and keeps what others put in', () => {
    const after = { ...before, own: { de: 1 } } as unknown as typeof before;
    const stored = { ...before, own: { de: 1, fr: 2, es: 3 } };
    expect(rebased(before, after, stored)).toEqual({ ...before, own: { de: 1, es: 3 } });
  });

  it('takes a list as a whole', () => {
    expect(rebased({ list: [1, 2] }, { list: [2] }, { list: [1, 2, 3] })).toEqual({ list: [2] });
  });
});

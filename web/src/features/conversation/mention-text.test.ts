import { describe, expect, it } from 'vitest';
import type { Colleague } from '@/api/inbox-types';
import { matching, nameAt, pieces, withIds } from './mention-text';

const person = (id: string, name: string, can_see = true): Colleague => ({
  id,
  name,
  role: 'agent',
  can_see,
});

describe('nameAt', () => {
  it('finds the unfinished name before the caret', () => {
    expect(nameAt('Ask @zo', 7)).toEqual({ at: 4, words: 'zo' });
    expect(nameAt('@', 1)).toEqual({ at: 0, words: '' });
    expect(nameAt('(@Ann L', 7)).toEqual({ at: 1, words: 'Ann L' });
  });
  it('is not there in an address, after a line break, or without a sign', () => {
    expect(nameAt('mail ann@shop', 13)).toBeNull();
    expect(nameAt('@ann\nand', 8)).toBeNull();
    expect(nameAt('hello', 5)).toBeNull();
  });
});

describe('matching', () => {
  const all = [person('1', 'Ann'), person('2', 'Ann Lee'), person('3', 'Zoë Annis')];
  it('finds by the begin of any part', () => {
    expect(matching(all, 'ann').map((each) => each.id)).toEqual(['1', '2', '3']);
    expect(matching(all, 'le').map((each) => each.id)).toEqual(['2']);
    expect(matching(all, 'x')).toEqual([]);
  });
  it('is done after a finished name', () => {
    expect(matching(all, 'ann ')).toEqual([]);
    expect(matching(all, 'ann l').map((each) => each.id)).toEqual(['2']);
  });
});

describe('withIds', () => {
  const chosen = new Map([
    ['Ann', 'usr_1'],
    ['Ann Lee', 'usr_2'],
  ]);
  it('takes the longest name as a whole', () => {
    expect(withIds('@Ann Lee, @Ann and @Anna', chosen)).toBe('<@usr_2>, <@usr_1> and @Anna');
    expect(withIds('a@b 😀 @Ann', chosen)).toBe('a@b 😀 <@usr_1>');
  });
  it('leaves names alone that nobody chose', () => {
    expect(withIds('@Ann', new Map())).toBe('@Ann');
  });
});

describe('pieces', () => {
  it('counts code points', () => {
    const mentions = [{ user_id: 'usr_1', start: 2, length: 4 }];
    expect(pieces('😀 @Zoë!', mentions)).toEqual([
      { text: '😀 ', userId: null },
      { text: '@Zoë', userId: 'usr_1' },
      { text: '!', userId: null },
    ]);
  });
  it('shows the text when a place does not fit', () => {
    expect(pieces('Hi', [{ user_id: 'usr_1', start: 1, length: 9 }])).toEqual([
      { text: 'Hi', userId: null },
    ]);
  });
});

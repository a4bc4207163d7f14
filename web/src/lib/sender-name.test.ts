import { describe, expect, it } from 'vitest';
import { accountWords } from './sender-name';

const channels = [
  { id: 'chn_1', name: 'Carrier One' },
  { id: 'chn_2', name: 'Carrier Two' },
];
const sender = (address: string, channel_id: string) => ({ address, channel_id });

describe('accountWords', () => {
  it('names the account where a number is on several, and nothing where it is on one', () => {
    const [one, two, alone] = [
      sender('+1555', 'chn_1'),
      sender('+1555', 'chn_2'),
      sender('+1556', 'chn_2'),
    ] as const;
    const all = [one, two, alone];
    expect(all.map((each) => accountWords(each, all, channels))).toEqual([
      ' on Carrier One',
      ' on Carrier Two',
      '',
    ]);
    expect(accountWords(one, all, [])).toBe('');
  });
});

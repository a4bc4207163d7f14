import { describe, expect, it } from 'vitest';
import { deactivationsOf, numbersOf, rejectedWords } from './numbers';

describe('numbers of a list', () => {
  it('takes the first column and leaves headings and empty lines', () => {
    expect(numbersOf('phone;why\r\n"+1 212 555 0100";x\n\n0151 23\tcalled')).toEqual([
      '+1 212 555 0100',
      '0151 23',
    ]);
  });

  it('reads the day in the second column in both usual forms', () => {
    expect(
      deactivationsOf('msisdn,date\n12125550100,20261120\n12125550101,2026-11-20T00:00\n7'),
    ).toEqual([
      { phone: '12125550100', on: '2026-11-20' },
      { phone: '12125550101', on: '2026-11-20' },
      { phone: '7' },
    ]);
  });

  it('says which one was not understood', () => {
    expect(rejectedWords([])).toEqual([]);
    expect(rejectedWords([{ line: 4, message: 'Too short.' }])[0]).toContain(
      'number 4: Too short.',
    );
  });
});

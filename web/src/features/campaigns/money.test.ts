import { describe, expect, it } from 'vitest';
import { listMoney, money, unitPrice } from './money';

const digits = (text: string) => text.replace(/[^\d.,]/g, '');

describe('an amount by a price list', () => {
  // A price of 8.94 is kept as 894,000 thousandths, and a thousand messages cost 894,000 hundredths, in any currency.
  it.each([
    ['USD', '8,940.00'],
    ['JPY', '8,940'],
    ['KWD', '8,940.000'],
  ])('is the same in %s as its price says', (currency, expected) => {
    expect(digits(listMoney(894_000, currency))).toBe(expected);
    expect(digits(unitPrice(894_000, currency))).toBe('8.9400');
  });
});

it('an amount of entered prices goes by the digits of the currency', () => {
  expect(digits(money(750, 'USD'))).toBe('7.50');
  expect(digits(money(750, 'JPY'))).toBe('750');
});

import { describe, expect, it } from 'vitest';
import { minorOf, pricesOf, pricesText } from './account-prices';

describe('prices of accounts', () => {
  it('reads a country and an amount from each line', () => {
    const read = pricesOf('de 7.5\n\nUS: 0,80\n', 'EUR');
    expect(read).toEqual({
      prices: [
        { country: 'DE', per_thousand: 750 },
        { country: 'US', per_thousand: 80 },
      ],
      wrong: null,
    });
    expect(pricesText(read.prices, 'EUR')).toBe('DE 7.50\nUS 0.80');
  });

  it('names the line that is no price', () => {
    for (const wrong of ['Germany 7', 'DE', 'DE x', 'DE -1', 'DE 7.505', 'DE 1e3']) {
      expect(pricesOf(`US 1\n${wrong}`, 'EUR').wrong).toBe(wrong);
    }
  });

  it('goes by the digits of the currency', () => {
    expect(minorOf('750', 'JPY')).toBe(750);
    expect(minorOf('7.5', 'JPY')).toBeNull();
    expect(minorOf('7.505', 'KWD')).toBe(7505);
  });
});

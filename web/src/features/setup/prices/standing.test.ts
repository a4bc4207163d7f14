import { describe, expect, it } from 'vitest';
import type { RateCard } from '@/api/price-types';
import { byMarket, dayIn, monthWords, price, prices, standings } from './standing';

const card = (valid_from: string, name = 'Ours'): RateCard => ({
  name,
  valid_from,
  currency: 'USD',
  rates: [],
});

describe('price lists', () => {
  it('says which counts today: never a later one, and the made-up one only alone', () => {
    const made = card('2025-07-01', 'Demonstration prices (made up)');
    const own = [card('2027-01-01'), card('2026-10-01'), card('2026-04-01'), made];
    expect(standings(own, '2026-11-27')).toEqual(['later', 'valid', 'earlier', 'made_up']);
    expect(standings(own, '2026-03-31')).toEqual(['later', 'later', 'later', 'valid']);
    expect(standings([made], '2026-11-27')).toEqual(['valid']);
  });

  it('counts days in the zone of the account', () => {
    const now = Date.parse('2026-10-01T03:00:00Z');
    expect(dayIn('UTC', now)).toBe('2026-10-01');
    expect(dayIn('America/Los_Angeles', now)).toBe('2026-09-30');
    expect(dayIn('nowhere', now)).toBe('2026-10-01');
  });

  it('writes a month as people do, in any zone of the computer', () => {
    expect(monthWords('2026-11')).toMatch(/^Nov\w* 2026$/);
    expect(monthWords('2026-01')).toMatch(/^Jan\w* 2026$/);
    expect(monthWords('soon')).toBe('soon');
  });

  it('has a line for each market, and none where a market has no price', () => {
    const rates = [
      { market: 'Brazil', category: 'marketing', thousandths: 5_700, tiers: [] },
      { market: 'Brazil', category: 'utility', thousandths: 1_425, tiers: [] },
      { market: 'Chile', category: 'marketing', thousandths: 3_400, tiers: [] },
    ] satisfies RateCard['rates'];
    const { categories, rows } = byMarket({ ...card('2026-10-01'), rates });
    expect(categories).toEqual(['marketing', 'utility']);
    expect(rows.map((row) => row.market)).toEqual(['Brazil', 'Chile']);
    expect(rows.map((row) => row.prices.get('utility')?.first ?? null)).toEqual([1_425, null]);
  });

  it('writes prices with all their digits', () => {
    expect(price(11_310, 'USD')).toMatch(/0\.1131/);
    expect(price(null, 'USD')).toBe('none');
    expect(prices(11_310, [], 'USD')).toBe(price(11_310, 'USD'));
    const tiers = [{ from: 101, thousandths: 900 }];
    expect(prices(1_000, tiers, 'USD')).toMatch(/0\.0100, .*0\.0090 from message 101 on/);
  });
});

import type { RateCard, Tier } from '@/api/price-types';

export type Standing = 'valid' | 'later' | 'earlier' | 'made_up';

export const isMadeUp = (card: RateCard) => card.name.includes('made up');

/**
 * Where each price list stands on a day (`2026-11-27`): the own one with the latest first day that has come is valid; the
 * made-up one only while there is none.
 */
export function standings(cards: RateCard[], today: string): Standing[] {
  const begun = cards.filter((card) => !isMadeUp(card) && card.valid_from <= today);
  const latest = begun
    .map((card) => card.valid_from)
    .toSorted()
    .at(-1);
  return cards.map((card) => {
    if (isMadeUp(card)) return latest === undefined ? 'valid' : 'made_up';
    if (card.valid_from > today) return 'later';
    return card.valid_from === latest ? 'valid' : 'earlier';
  });
}

const monthAndYear = new Intl.DateTimeFormat(undefined, {
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

/** A month (`2026-11`) as people write it. */
export function monthWords(month: string): string {
  const first = new Date(`${month}-01T00:00:00Z`);
  return Number.isNaN(first.getTime()) ? month : monthAndYear.format(first);
}

/** A price of one message, in thousandths of a hundredth of the currency, in the currency's own writing. */
export function price(thousandths: number | null, currency: string): string {
  if (thousandths === null) return 'none';
  try {
    return new Intl.NumberFormat(undefined, {
      style: 'currency',
      currency,
      minimumFractionDigits: 4,
      maximumFractionDigits: 5,
    }).format(thousandths / 100_000);
  } catch {
    return `${thousandths / 100_000} ${currency}`;
  }
}

/** A price and how many tiers follow, with the lowest. */
export function prices(thousandths: number | null, tiers: Tier[], currency: string): string {
  const first = price(thousandths, currency);
  const last = tiers.at(-1);
  if (last === undefined) return first;
  return `${first}, ${price(last.thousandths, currency)} from message ${last.from.toLocaleString()} on`;
}

/** The prices of a list with a line for each market and a column for each category, in the order of the list. */
export function byMarket(card: RateCard) {
  const categories = [...new Set(card.rates.map((rate) => rate.category))];
  const markets = [...new Set(card.rates.map((rate) => rate.market))];
  const rows = markets.map((market) => ({
    market,
    prices: new Map(
      card.rates
        .filter((rate) => rate.market === market)
        .map((rate) => [rate.category, { first: rate.thousandths, tiers: rate.tiers }]),
    ),
  }));
  return { categories, rows };
}

/** The day of a moment in a time zone, as price lists write it. */
export function dayIn(zone: string, now: number): string {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).format(now);
  } catch {
    return new Date(now).toISOString().slice(0, 10);
  }
}

/** A category as a heading. */
export function categoryWords(category: string): string {
  const words = category.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

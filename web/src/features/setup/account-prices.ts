/** Prices of accounts as they are typed: one country a line, such as `DE 7.50`, for a thousand segments. */
import type { ChannelPrices } from '@/api/sender-types';

type Prices = ChannelPrices['prices'];

/** How many digits a currency has after the point. */
export function digitsOf(currency: string): number {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    return format.resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** An amount in minor units; null when it is none. */
export function minorOf(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const match = /^(\d{1,6})(?:[.,](\d+))?$/.exec(text.trim());
  const after = match?.[2] ?? '';
  if (match === null || after.length > digits) return null;
  return Number(match[1]) * 10 ** digits + Number(after.padEnd(digits, '0') || '0');
}

/** The prices of the lines; the first line that is none is named. */
export function pricesOf(text: string, currency: string): { prices: Prices; wrong: string | null } {
  const prices: Prices = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const match = /^([A-Za-z]{2})[\s:=]+(\S+)$/.exec(line);
    const price = minorOf(match?.[2] ?? '', currency);
    if (match?.[1] === undefined || price === null) return { prices, wrong: line };
    prices.push({ country: match[1].toUpperCase(), per_thousand: price });
  }
  return { prices, wrong: null };
}

/** An amount as it is typed. */
export function amountText(minor: number, currency: string): string {
  const digits = digitsOf(currency);
  return (minor / 10 ** digits).toFixed(digits);
}

/** The lines of prices. */
export function pricesText(prices: Prices, currency: string): string {
  return prices
    .map((each) => `${each.country} ${amountText(each.per_thousand, currency)}`)
    .join('\n');
}

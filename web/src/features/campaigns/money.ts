/** An amount in minor units, in the reader's own writing. */
export function money(minor: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(minor / 10 ** digits);
  } catch {
    return `${minor} ${currency}`;
  }
}

/** The price of one message in thousandths of a minor unit. */
export function unitPrice(thousandths: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat(undefined, {
      style: 'currency',
      currency,
      minimumFractionDigits: 4,
      maximumFractionDigits: 5,
    });
    return format.format(thousandths / 100_000);
  } catch {
    return `${thousandths / 100_000} ${currency}`;
  }
}

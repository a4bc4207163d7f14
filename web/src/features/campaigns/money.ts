/** An amount in the currency's own minor units, as prices of texts are entered, in the reader's own writing. */
export function money(minor: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    return format.format(minor / 10 ** digits);
  } catch {
    return `${minor} ${currency}`;
  }
}

/**
 * An amount by a price list, in hundredths of the currency's unit: lists hold them so in every currency, also in those with
 * no digits behind the point, or three.
 */
export function listMoney(hundredths: number, currency: string): string {
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(
      hundredths / 100,
    );
  } catch {
    return `${hundredths / 100} ${currency}`;
  }
}

/** The price of one message by a price list, in thousandths of a hundredth of the currency's unit. */
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

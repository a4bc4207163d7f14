export type RateCategory = 'marketing' | 'utility' | 'authentication' | 'service';

/** Prices of WhatsApp's messages, valid from a day on until the next list begins. */
export interface RateCard {
  name: string;
  /** The first day, `2026-10-01`. */
  valid_from: string;
  currency: string;
  rates: {
    market: string;
    category: RateCategory;
    /** In thousandths of a minor unit. */
    thousandths: number;
  }[];
}

/** What taking a price list in would do. */
export interface RateCardCheck {
  /** Null while something is wrong with it. */
  card: RateCard | null;
  problems: { line: number | null; message: string }[];
  /** Whether a list of the same day and currency is replaced. */
  replaces: boolean;
  /** The list it is compared with: the one that is valid on that day now. */
  compared_with: string | null;
  changes: {
    market: string;
    category: RateCategory;
    before: number | null;
    after: number | null;
  }[];
  /** Markets without a price for marketing, which a forecast cannot count. */
  unpriced: string[];
}

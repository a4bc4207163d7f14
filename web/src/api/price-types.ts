export type RateCategory =
  'marketing' | 'utility' | 'authentication' | 'authentication_international' | 'service';

/** A price that holds from a message of the month on. */
export interface Tier {
  from: number;
  thousandths: number;
}

/** Messages that have one price, which begins with a message of the month. */
export interface TierShare {
  from: number;
  price_thousandths: number;
  messages: number;
}

/** The tier that comes next, and how many messages are missing. */
export interface NextTier {
  from: number;
  price_thousandths: number;
  missing: number;
}

/** What a month has had so far, by account, market and category. */
export interface MonthVolumes {
  month: string;
  time_zone: string;
  price_list: string;
  currency: string;
  markets_as_of: string;
  volumes: {
    portfolio: string;
    numbers: string[];
    market: string;
    category: RateCategory;
    messages: number;
    price_thousandths: number | null;
    tiers: TierShare[];
    next_tier: NextTier | null;
  }[];
}

/** Prices of WhatsApp's messages, valid from a day on until the next list begins. */
export interface RateCard {
  name: string;
  /** The first day, `2026-10-01`. */
  valid_from: string;
  currency: string;
  rates: {
    market: string;
    category: RateCategory;
    /** In thousandths of a hundredth of the currency; of the month's first messages where there are tiers. */
    thousandths: number;
    tiers: Tier[];
  }[];
}

/** What taking a price list in would do. */
export interface RateCardCheck {
  /** Null while something is wrong with it. */
  card: RateCard | null;
  problems: { table: 'prices' | 'tiers' | null; line: number | null; message: string }[];
  /** Whether a list of the same day and currency is replaced. */
  replaces: boolean;
  /** The list it is compared with: the one that is valid on that day now. */
  compared_with: string | null;
  changes: {
    market: string;
    category: RateCategory;
    before: number | null;
    after: number | null;
    tiers_before: Tier[];
    tiers_after: Tier[];
  }[];
  /** Markets without a price for marketing, which a forecast cannot count. */
  unpriced: string[];
  /** The day of the newest change in the list of markets. */
  markets_as_of: string;
}

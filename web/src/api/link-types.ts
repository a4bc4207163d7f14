/** The wire types of links and of what a text is checked for. */

export type Landing = 'none' | 'desktop' | 'always';
export type Shorten = 'every' | 'none';
export type Device = 'android' | 'iphone' | 'tablet' | 'desktop' | 'other';
export type ClickVerdict = 'person' | 'robot' | 'preview' | 'head' | 'early';

export interface LinkSettings {
  domain_id: string | null;
  shorten: Shorten;
  expires_at: string | null;
  landing: Landing;
  legal_text: string;
  consent_wording: string;
}

export interface CampaignLink {
  /** 0 is the chat, from 1 on the addresses in the text. */
  link: number;
  target: string | null;
  expires_at: string | null;
  stopped_at: string | null;
  test_link: string;
  /** What the QR code says. */
  qr_link: string;
  raw: number;
  filtered: number;
  /** Those among them of the QR code. */
  scanned: number;
}

export interface CampaignLinks extends LinkSettings {
  stopped_at: string | null;
  ends_at: string | null;
  link_base: string;
  links: CampaignLink[];
}

export interface ClickFigures {
  /** Milliseconds of each stretch of time. */
  width: number;
  over_time: { at: string; raw: number; filtered: number; confirmed: number }[];
  devices: { device: Device; count: number }[];
  verdicts: { verdict: ClickVerdict; count: number }[];
}

export interface LinkDomain {
  id: string;
  host: string;
  verified_at: string | null;
  is_default: boolean;
  check_token: string;
  created_at: string;
}

/** The wire types of campaigns; `contract.ts` compares them with the documents of the API. */
import type { Device } from './link-types';
import type { Attribution } from './message-types';
import type { CampaignRules } from './policy-types';
import type { NextTier, TierShare } from './price-types';
import type { RouteNote } from './sender-types';
import type {
  LocalePreview,
  LocaleText,
  OptOutLine,
  SmartProposal,
  TextFinding,
} from './text-types';
import type { AudienceFilter, FooterKind } from './types';

export interface Audience {
  list_id: string | null;
  filter: AudienceFilter | null;
  lists: string[];
  segments: string[];
  /** Absent when there is none. */
  tables?: string[];
  exclude_tables?: string[];
  exclude_lists: string[];
  exclude_segments: string[];
  exclude_campaigns: string[];
}

export interface Schedule {
  /** Wall time such as 2026-12-01T09:00:00; at once when it is null. */
  starts_at: string | null;
  clock: 'workspace' | 'recipient';
  repeat: {
    frequency: 'daily' | 'weekly' | 'monthly';
    interval: number;
    count: number | null;
    until: string | null;
  } | null;
  misfire: 'run_late' | 'skip' | 'ask';
  late_hours: number;
  window: { from: string; until: string } | null;
  per_minute: number | null;
  /** Hours after its time when a message is no longer sent. */
  expires_hours: number | null;
}

export interface Variant {
  name: string;
  weight: number;
  body: string;
  texts: LocaleText[];
}

export interface PreflightRule extends RuleCount {
  /** What is missing and what to do, where the rule alone does not say it. */
  detail: string | null;
  sample: { contact_id: string; name: string | null; phone: string | null }[];
}

interface PreflightSegments {
  min: number;
  typical: number;
  max: number;
  total: number;
}

/** What messages to one market cost, in thousandths of a hundredth of the currency. */
export interface MarketCost {
  market: string;
  category: string;
  messages: number;
  free: number;
  /** Why they are free, in words. */
  free_reasons: { reason: string; words: string; messages: number }[];
  price_thousandths: number | null;
  /** How many have the price of which tier. */
  tiers: TierShare[];
  /** Messages of the month before these, where the price list has tiers. */
  so_far: number | null;
  next_tier: NextTier | null;
  thousandths: number;
  /** In hundredths of the currency, rounded. */
  total: number;
}

/** What the texts that would leave by one account cost. */
export interface AccountCost {
  channel_id: string;
  name: string;
  messages: number;
  segments: number;
  /** In minor units, of those whose country has a price. */
  total: number;
  /** Messages whose country has no price. */
  unpriced: number;
}

/** Marketing that is stopped because of its quality; of the whole number without a template. */
export interface MarketingBrake {
  template: string;
  reason: string;
  since: string;
}

export interface NumberLimits {
  most: number | null;
  told_at: string | null;
  used: number;
  brakes: MarketingBrake[];
}

export interface CampaignCharges {
  currency: string;
  total: number;
  messages: number;
  markets: MarketCost[];
  unpriced: number;
  price_list: string;
}

export interface Preflight {
  audience: number;
  sendable: number;
  held: PreflightRule[];
  excluded: PreflightRule[];
  segments: PreflightSegments;
  variants: {
    name: string;
    messages: number;
    segments: PreflightSegments;
    sample: string | null;
  }[];
  texts: {
    variant: string;
    locale: string | null;
    messages: number;
    segments: PreflightSegments;
    findings: TextFinding[];
  }[];
  cost: {
    currency: string;
    total: number;
    min_thousandths: number;
    typical_thousandths: number;
    max_thousandths: number;
    unpriced: string[];
    markets: MarketCost[];
    /** By the account that each text would leave by, of a campaign of texts. */
    accounts: AccountCost[];
    price_list: string | null;
  };
  /** Messages by language, of a campaign by template that goes out in several. */
  languages: { language: string; messages: number }[];
  /** What WhatsApp's limit leaves, of a campaign by template. */
  limit: {
    most: number | null;
    told_at: string | null;
    used: number;
    wanted: number;
    waiting: number;
    brakes: MarketingBrake[];
  } | null;
  seconds: number;
  chats: {
    low: number;
    high: number;
    learned_from: number;
    agents: number;
    capacity: number;
  } | null;
  /** Its files, which make each message an MMS. */
  files: { count: number; bytes: number; risky: number; missing: number } | null;
  warnings: { kind: string; message: string }[];
  mark: string;
  at: string;
}

export interface VariantReport {
  variants: {
    name: string;
    recipients: number;
    sent: number;
    delivered: number;
    tapped: number;
    chats: number;
    won: number;
  }[];
  held_out: number;
  measure: string;
  leader: number | null;
  confidence: number | null;
  is_sure: boolean;
  verdict: string;
}

export interface CampaignSettings {
  approval: 'not_needed' | 'second_person';
  currency: string;
  prices: { country: string; per_thousand: number }[];
  other_price: number | null;
  /** Of a thousand messages with files, in minor units. */
  mms_price: number | null;
  opt_out_line: OptOutLine;
  brake_ends: 'quality' | 'person';
  /** Time zone of the WhatsApp account: the days of price lists begin there. */
  price_zone: string;
}

export type SessionRule = 'any' | 'no_open_session' | 'no_agent';

/** A WhatsApp template and what fills it. */
export interface CampaignTemplate {
  channel_id: string;
  name: string;
  language: string;
  values: string[];
  buttons: { index: number; value: string; target: string | null }[];
  sessions: SessionRule;
  /** The file above the text; the template's own when none is chosen. */
  header_media_id: string | null;
  /** What fills the variable of the heading. */
  header_value: string;
  /** Contacts get the approved translation in their language. */
  by_language: boolean;
  /** The place above the text. */
  header_place: { latitude: string; longitude: string; name: string; address: string } | null;
  /** What fills the cards, in their order. */
  cards: CampaignCard[];
  /** When what it offers ends; nothing leaves after it. */
  offer_ends_at: string | null;
}

/** What fills a card of a campaign's template. */
export interface CampaignCard {
  /** The file on it; the template's own when none is chosen. */
  media_id: string | null;
  values: string[];
  buttons: CampaignTemplate['buttons'];
}

/** Why nothing of a campaign leaves now, though nobody has paused it. */
export interface CampaignHold {
  rule: string;
  reason: string;
  since: string;
  until: string | null;
}

export interface CampaignInput {
  name: string;
  sender_id: string | null;
  audience: Audience;
  body: string;
  footer: FooterKind;
  whatsapp_channel_id: string | null;
  prefilled_text: string;
  schedule: Schedule;
  variants: Variant[];
  held_out_percent: number;
  /** The pool whose senders share the texts; `sender_id` is one of them then. */
  pool_id: string | null;
  texts: LocaleText[];
  /** Sent in place of a text. */
  template: CampaignTemplate | null;
  rules: CampaignRules;
  /** Pictures and other files beside the text: ids of text files. */
  media: string[];
}

export type CampaignState =
  | 'draft'
  | 'awaiting_approval'
  | 'scheduled'
  | 'planning'
  | 'running'
  | 'paused'
  | 'canceled'
  | 'finished';

export interface Campaign extends CampaignInput {
  id: string;
  number: number;
  state: CampaignState;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  created_by: string;
  next_run_at: string | null;
  runs: number;
  series_id: string | null;
  /** Why it stands still, when that is not a person's wish. */
  attention: string | null;
  hold: CampaignHold | null;
  submitted_by: string | null;
  approved_by: string | null;
  review_comment: string | null;
  version: number;
}

export type SmsEncoding = 'gsm7' | 'ucs2';

export interface RuleCount {
  rule: string;
  label: string;
  count: number;
}

export interface CampaignPreview {
  audience: number;
  sendable: number;
  excluded: RuleCount[];
  /** Allowed, but waiting, e.g. for the end of quiet hours. */
  held: RuleCount[];
  segments: { min: number; typical: number; max: number; encoding: SmsEncoding };
  sample: { text: string; segments: number; contact_name: string | null } | null;
}

export interface TextPreview {
  text: string;
  encoding: SmsEncoding;
  units: number;
  segments: number;
  remaining: number;
  /** Merge fields that any of the texts uses. */
  fields: string[];
  unknown_fields: string[];
  non_gsm: string[];
  locale: string | null;
  opt_out_line: string | null;
  smart: SmartProposal | null;
  findings: TextFinding[];
  texts: LocalePreview[];
}

export interface Funnel {
  planned: number;
  excluded: number;
  queued: number;
  sent: number;
  delivered: number;
  failed: number;
  unknown: number;
  canceled: number;
  assessed: number;
  tapped: number;
  tapped_filtered: number;
  taps_raw: number;
  chats: number;
  /** How surely the chats came from the campaign, the surest first. */
  chats_by_tier: { tier: Attribution; count: number }[];
  bot_finished: number;
  agent: number;
  cases: number;
  leads: number;
  won: number;
  excluded_by_rule: RuleCount[];
  failures: { code: string; label: string; count: number }[];
  /** Translations of its template that keep messages back. */
  languages: LanguageHold[];
}

export interface LanguageHold {
  language: string;
  /** In words, with what becomes of the messages. */
  reason: string;
  /** Whether they wait; else they are not sent. */
  waits: boolean;
  since: string;
}

export type RecipientState =
  | 'planned'
  | 'excluded'
  | 'queued'
  | 'submitting'
  | 'sent'
  | 'delivered'
  | 'failed'
  | 'unknown'
  | 'canceled'
  | 'held';

export interface Recipient {
  position: number;
  contact_id: string;
  name: string | null;
  phone: string | null;
  state: RecipientState;
  rule: string | null;
  reason: string | null;
  text: string | null;
  segments: number | null;
  sent_at: string | null;
  delivered_at: string | null;
  first_tap_at: string | null;
  /** On what that tap was made; unknown for old ones. */
  first_tap_device: Device | null;
  /** Which link it was of: 0 is the chat. */
  first_tap_link: number | null;
  session_id: string | null;
  /** The account the message leaves by. */
  channel_id: string | null;
  /** Why by that account, where the sender has several. */
  route: RouteNote | null;
}

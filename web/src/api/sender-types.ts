/** The wire types of senders and their registrations. */
import type { QuietSpan } from './policy-types';
import type { Sender } from './types';

export type SenderKind = '10dlc' | 'long_code' | 'short_code' | 'toll_free' | 'alphanumeric';

export type RegistrationKind = 'brand' | 'campaign' | 'toll_free' | 'short_code' | 'sender_id';

export type RegistrationState =
  'draft' | 'submitted' | 'in_review' | 'approved' | 'rejected' | 'expired';

export interface SenderReadiness {
  country: string;
  ready: boolean;
  /** What is missing and what to do. */
  why: string | null;
  /** What to know of one that may send: that its name is replaced there. */
  caution: string | null;
}

export interface Registration {
  id: string;
  kind: RegistrationKind;
  name: string;
  country: string | null;
  parent_id: string | null;
  reference: string | null;
  state: RegistrationState;
  note: string | null;
  submitted_at: string | null;
  decided_at: string | null;
  expires_at: string | null;
  created_at: string;
  history: { state: RegistrationState; note: string | null; actor: string; at: string }[];
  /** Most segments in a minute over all numbers of a campaign. */
  segments_per_minute: number | null;
  /** Most segments in a day over all campaigns of a brand. */
  segments_per_day: number | null;
  next: RegistrationState[];
  /** What to do now. */
  advice: string;
  expected_at: string | null;
}

export interface SenderCapability {
  id: string;
  kind: SenderKind;
  /** ISO 3166-1 codes, or `*` for every country. */
  countries: string[];
  from: string[];
  delivery: 'as_is' | 'replaced' | 'refused';
  two_way: boolean;
  needs: RegistrationKind[];
  note: string;
  source: string;
}

/** What each kind of sender can do in which country; of the rules that fit, the first counts. */
export interface SenderCapabilities {
  title: string;
  version: string;
  rules: SenderCapability[];
  /** From where to where messages with files go; where none fits, nowhere. */
  mms: MmsCapability[];
}

/** Which kind of sender carries messages with files, from where to where. */
export interface MmsCapability {
  id: string;
  kind: SenderKind;
  countries: string[];
  from: string[];
  note: string;
  source: string;
}

/** Senders that share the texts; each number keeps the one it was first texted from. */
export interface SenderPool {
  id: string;
  name: string;
  sender_ids: string[];
  /** Numbers that keep one of its senders. */
  numbers: number;
  created_at: string;
}

export type SenderAlphabet = 'any' | 'gsm_replace' | 'gsm_refuse';

export type RouteBy = 'order' | 'price' | 'delivery';

/** Why a message leaves by its account, where its sender has several. */
export interface RouteNote {
  by: RouteBy;
  reason: 'first' | 'cheapest' | 'no_price' | 'most_delivered' | 'too_little_known' | 'trial';
  /** The price it was chosen for: of a thousand segments, in minor units. */
  per_thousand?: number | null;
  delivered?: number | null;
  settled?: number | null;
  /** The one that would have been chosen does not take the characters of the text. */
  by_characters?: boolean;
}

/** An account that a sender can leave by. */
export interface SenderRoute {
  sender_id: string;
  channel_id: string;
  /** Messages of the last 24 hours that were delivered, of `settled`; null: nothing is known. */
  delivered: number | null;
  settled: number | null;
}

/** What segments cost on an account from a moment on. */
export interface ChannelPrices {
  id: string;
  valid_from: string;
  currency: string;
  prices: { country: string; per_thousand: number }[];
  /** Price of a thousand segments to any other country, in minor units. */
  other_price: number | null;
  actor: string;
  created_at: string;
}

export interface SenderDetail extends Sender {
  /** Countries it may send to; empty: all. */
  countries: string[];
  registration_ids: string[];
  is_two_way: boolean;
  /** Whether messages with files (MMS) can leave from it on its account. */
  sends_files: boolean;
  /** Which characters may leave from it. */
  alphabet: SenderAlphabet;
  /** Most segments in a second; null: as its account can. */
  segments_per_second: number | null;
  /** The sender that takes over what is known not to have been sent. */
  fallback_id: string | null;
  fallback_after_seconds: number | null;
  /** What decides by which account a text leaves; null: it has only its own. */
  route_by: RouteBy | null;
  routes: SenderRoute[];
  /** Quiet beside the workspace's hours. */
  quiet_hours: { start: string; end: string };
  quiet_spans: QuietSpan[];
  readiness: SenderReadiness[];
}

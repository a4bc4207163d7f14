/** The wire types of the HTTP contract. Times are RFC 3339 UTC strings, ids are prefixed strings. */
import type * as identity from './identity-types';
import type { CampaignRules, FrequencyCap } from './policy-types';
import type { NoteMention } from './inbox-types';
import type { RouteNote } from './sender-types';

import type {
  LocalePreview,
  LocaleText,
  OptOutLine,
  SmartProposal,
  TextFinding,
} from './text-types';
import type { TemplateButtonValue, TemplateHeaderValue } from './template-types';

export type { Template } from './template-types';

export type Role = 'admin' | 'supervisor' | 'agent' | 'marketer';

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  created_at: string;
  disabled_at: string | null;
}

export interface Workspace {
  id: string;
  name: string;
  time_zone: string;
  country: string;
  quiet_hours: { start: string; end: string };
  language: string;
  /** Whether the conversations of a contact that is gone for good are emptied. */
  erase_transcripts: boolean;
}

export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface Channel {
  id: string;
  kind: 'whatsapp' | 'smpp' | 'twilio';
  name: string;
  state: 'connecting' | 'connected' | 'disconnected' | 'error';
  state_detail: string | null;
  display: string;
  webhook_path: string | null;
  last_inbound_at: string | null;
  /** Slug of the bot that greets new sessions. */
  flow: string | null;
  /** Slug of the queue of sessions that no bot takes. */
  queue: string | null;
  config: Record<string, unknown>;
}

export interface Sender {
  id: string;
  channel_id: string;
  address: string;
  kind: '10dlc' | 'long_code' | 'short_code' | 'toll_free' | 'alphanumeric';
  registration: 'active' | 'pending' | 'rejected';
}

export interface Queue {
  id: string;
  name: string;
  slug: string;
  offer_seconds: number;
  members: { user_id: string; name: string }[];
  waiting: number;
  longest_wait_seconds: number | null;
}

export interface Flow {
  id: string;
  slug: string;
  name: string;
  published_version: number | null;
  updated_at: string;
}

export interface FlowProblem {
  line: number;
  column: number;
  path: string;
  message: string;
}

export interface ChecklistItem {
  key: string;
  label: string;
  done: boolean;
  hint: string;
}

export interface SetupStatus {
  channels: Channel[];
  senders: Sender[];
  queues: Queue[];
  users: User[];
  flows: Flow[];
  checklist: ChecklistItem[];
}

export type ConsentState = 'granted' | 'revoked' | 'none' | 'in_review' | 'expired';

export interface Contact {
  id: string;
  phone: string | null;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  locale: string | null;
  time_zone: string | null;
  external_key: string | null;
  attributes: Record<string, string>;
  sms_consent: ConsentState;
  whatsapp_consent: ConsentState;
  created_at: string;
  updated_at: string;
}

export type ConsentMethod =
  | 'web_form'
  | 'keyword'
  | 'paper'
  | 'verbal'
  | 'import'
  | 'import_undo'
  | 'api'
  | 'in_chat'
  | 'agent'
  | 'carrier_report'
  | 'meta_user_preferences'
  | 'free_text';

export interface ConsentEvent {
  id: string;
  channel: 'sms' | 'whatsapp';
  purpose: 'marketing' | 'service';
  action: ConsentAction;
  method: ConsentMethod;
  /** `all`, or the id of the sender or programme that it is about. */
  scope: string;
  wording: string | null;
  wording_hash: string | null;
  proof: string | null;
  context: ConsentContext | null;
  actor: string;
  occurred_at: string;
  recorded_at: string;
  expires_at: string | null;
}

export type ConsentAction =
  'request' | 'grant' | 'confirm' | 'revoke' | 'deny' | 'expire' | 'reassign' | 'correct';

export interface ConsentContext {
  source: string | null;
  form_version: string | null;
  language: string | null;
  ip: string | null;
  user_agent: string | null;
  jurisdiction: string | null;
}

export interface ConsentStanding {
  channel: 'sms' | 'whatsapp';
  purpose: 'marketing' | 'service';
  /** `all`, a category of WhatsApp templates such as `category:utility`, or one template such as `template:news`. */
  scope: string;
  state: ConsentState;
  since: string | null;
  expires_at: string | null;
  decided_by: ConsentEvent | null;
}

export interface Subscription {
  id: string;
  programme_id: string;
  programme_name: string;
  address: string;
  contact_id: string | null;
  contact_name: string | null;
  state: 'pending' | 'active' | 'ended';
  method: ConsentMethod;
  awaits: 'confirmation' | 'birth_date' | null;
  requested_at: string;
  expires_at: string | null;
  confirmed_at: string | null;
  ended_at: string | null;
  end_reason:
    'stopped' | 'denied' | 'expired' | 'too_young' | 'unclear' | 'removed' | 'reassigned' | null;
}

export interface ContactConsent {
  contact_id: string;
  phone: string | null;
  standings: ConsentStanding[];
  subscriptions: Subscription[];
  open_reviews: string[];
  is_suppressed: boolean;
}

export interface InboundText {
  id: string;
  sender: string;
  text: string;
  outcome: string;
  received_at: string;
}

export interface ConsentReview {
  id: string;
  channel: 'sms' | 'whatsapp';
  address: string;
  contact_id: string | null;
  contact_name: string | null;
  sender: string;
  text: string;
  words: string[];
  state: 'open' | 'revoked' | 'kept';
  decided_by: string | null;
  decided_at: string | null;
  created_at: string;
}

export type OptIn = 'single' | 'double' | 'age_gated';
export type DateFormat = 'dmy' | 'mdy' | 'ymd';

export interface ProgrammeSettings {
  welcome_text: string;
  ask_text: string;
  already_text: string;
  declined_text: string;
  accepted_words: string[];
  pending_hours: number;
  birth_date_question: string;
  minimum_age: number;
  too_young_text: string;
  retry_text: string;
  date_formats: DateFormat[];
  /** Most messages to one person of the campaigns sent in its name. */
  caps: FrequencyCap[];
}

export interface Programme {
  id: string;
  sender_id: string;
  name: string;
  opt_in: OptIn;
  covers: 'programme' | 'all_marketing';
  list_id: string | null;
  settings: ProgrammeSettings;
  active: number;
  pending: number;
  created_at: string;
  ended_at: string | null;
  version: number;
}

export interface KeywordQuestion {
  text: string;
  attribute: string;
}

export interface VoteOption {
  word: string;
  label: string;
}

/** What a word asks to vote about. */
export interface Vote {
  text: string;
  options: VoteOption[];
  changeable: boolean;
  closes_at: string | null;
  thanks: string;
  already: string;
  closed: string;
}

/** How a vote stands. */
export interface VoteTally {
  keyword_id: string;
  word: string;
  state: 'open' | 'closed';
  closes_at: string | null;
  total: number;
  options: (VoteOption & { votes: number; offered: boolean })[];
  first_at: string | null;
  last_at: string | null;
}

/** A ready-made answer to begin a word from. */
export interface KeywordTemplate {
  id: string;
  title: string;
  description: string;
  word: string;
  action: KeywordAction;
}

export type KeywordAction =
  | { kind: 'join'; programme_id: string }
  | { kind: 'leave'; programme_id: string }
  | {
      kind: 'reply';
      text: string;
      questions: KeywordQuestion[];
      closing?: string | null;
      next_keyword?: string | null;
    }
  | ({ kind: 'vote' } & Vote);

export interface SenderKeyword {
  id: string;
  sender_id: string;
  word: string;
  action: KeywordAction;
  valid_from: string | null;
  valid_until: string | null;
  created_at: string;
}

export interface KeywordReplies {
  stop: string;
  start: string;
  help: string;
}

export type KeywordFamily = 'stop' | 'start' | 'help';

export interface ConsentSettings {
  brand: string;
  stop_reply: string;
  start_reply: string;
  help_reply: string;
  rules: {
    opt_out_scope: 'all' | 'channel' | 'sender' | 'programme';
    extra_words: { language: string; keyword: KeywordFamily; word: string }[];
    replies: Record<string, KeywordReplies>;
    silent: KeywordFamily[];
    keyword_quota: number;
  };
}

export interface TextReading {
  keyword: KeywordFamily | null;
  language: string | null;
  reading: {
    verdict: 'revoke' | 'review' | 'no';
    said: { language: string; words: string }[];
    innocent: { language: string; words: string }[];
  };
}

export interface ContactList {
  id: string;
  name: string;
  member_count: number;
  created_at: string;
}

export type ImportMode = 'import' | 'dry_run';

export interface Import {
  id: string;
  file_name: string;
  mode: ImportMode;
  state: 'running' | 'done' | 'failed' | 'undoing' | 'undone';
  rows_total: number;
  rows_read: number;
  created: number;
  updated: number;
  /** Known contacts to which the file said nothing new. */
  unchanged: number;
  rejected: number;
  /** Rejected rows by the code of the reason. */
  rejections: Record<string, number>;
  opted_in: number;
  opted_out: number;
  /** The file says yes, but they had opted out. */
  kept_out: number;
  without_evidence: number;
  list_id: string | null;
  /** The table it writes into; null for an import of contacts. */
  table_id: string | null;
  actor: string;
  created_at: string;
  ended_at: string | null;
  detail: string | null;
  undo_until: string | null;
  undo: UndoCounts | null;
}

export interface UndoCounts {
  removed: number;
  kept: number;
  restored: number;
  changed_since: number;
  unlisted: number;
  withdrawn: number;
}

export interface ImportColumn {
  name: string;
  suggestion: string | null;
  samples: string[];
}

export interface ImportFile {
  id: string;
  name: string;
  row_count: number;
  columns: ImportColumn[];
  /** How a file with the same columns was imported last. */
  remembered: RememberedOptions | null;
  created_at: string;
}

export interface ImportConsent {
  column?: string;
  opt_out_column?: string;
  wording?: string;
  wording_column?: string;
  method?: string;
  proof?: string;
  proof_column?: string;
  date_column?: string;
  expires_column?: string;
}

export interface ImportOptions {
  list_name?: string;
  list_id?: string;
  mapping: Record<string, string>;
  default_country: string;
  country_column?: string;
  consent: ImportConsent | null;
}

type Nullable<T> = { [K in keyof T]-?: T[K] | null };

/** The same as the server sends it: absent things are `null`. */
export interface RememberedOptions {
  list_name: string | null;
  list_id: string | null;
  mapping: Record<string, string>;
  default_country: string;
  country_column: string | null;
  consent: Nullable<ImportConsent> | null;
}

export type FooterKind = 'tracked' | 'wa_me' | 'none';
export type FilterOperator = 'equals' | 'not_equals' | 'contains' | 'exists';

export interface AudienceFilter {
  field: string;
  op: FilterOperator;
  value: string;
}

export type SegmentTopic =
  'field' | 'event' | 'consent' | 'list' | 'created' | 'suppressed' | 'table';

export type SegmentOperator =
  | 'is'
  | 'is_not'
  | 'is_any_of'
  | 'is_none_of'
  | 'contains'
  | 'contains_not'
  | 'starts_with'
  | 'ends_with'
  | 'filled'
  | 'empty'
  | 'equal'
  | 'less'
  | 'at_most'
  | 'more'
  | 'at_least'
  | 'matches'
  | 'happened'
  | 'happened_not'
  | 'before'
  | 'since'
  | 'in_last_days'
  | 'in_next_days';

/** What a column of a table's rows has to be. */
export interface ColumnTest {
  column: string;
  operator: SegmentOperator;
  values: string[];
  ignore_case: boolean;
  days: number | null;
}

export interface SegmentRow {
  topic: SegmentTopic;
  name: string;
  operator: SegmentOperator;
  values: string[];
  ignore_case: boolean;
  campaign_id: string | null;
  days: number | null;
  /** Of a table: what its rows have to be; absent when anything. */
  having?: ColumnTest[];
}

export interface SegmentGroup {
  join: 'all' | 'any';
  items: SegmentItem[];
}

export type SegmentItem = { row: SegmentRow } | { group: SegmentGroup };

export interface Segment {
  id: string;
  name: string;
  /** CEL. */
  condition: string;
  /** Null when the condition says more than a form can. */
  form: SegmentGroup | null;
  created_at: string;
  updated_at: string;
  created_by: string;
  version: number;
}

export interface SegmentMember {
  id: string;
  name: string | null;
  phone: string | null;
  sms_consent: ConsentState;
}

export interface ConditionCheck {
  condition: string | null;
  form: SegmentGroup | null;
  count: number | null;
  sample: SegmentMember[];
  problem: { message: string; place: { line: number; column: number } | null } | null;
}

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

/** What messages to one market cost, in thousandths of a minor unit. */
export interface MarketCost {
  market: string;
  category: string;
  messages: number;
  free: number;
  price_thousandths: number | null;
  thousandths: number;
  /** In minor units, rounded. */
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
  session_id: string | null;
  /** The account the message leaves by. */
  channel_id: string | null;
  /** Why by that account, where the sender has several. */
  route: RouteNote | null;
}

export type PresenceStatus = 'available' | 'busy' | 'away' | 'offline';

export interface Presence {
  status: PresenceStatus;
  capacity: number;
  load: number;
  updated_at: string;
}

export interface AgentPresence {
  user_id: string;
  name: string;
  presence: Presence;
}

export type SessionState = 'new' | 'waiting' | 'active' | 'inactive' | 'ended' | 'error';
export type Attribution = 'certain' | 'claimed' | 'inferred' | 'ad' | 'none';
export type OptInState = 'none' | 'asked' | 'confirming' | 'granted' | 'declined';
export type Direction = 'inbound' | 'outbound' | 'system';

export interface Session {
  id: string;
  channel_id: string;
  state: SessionState;
  customer: {
    messaging_user_id: string;
    name: string;
    phone: string | null;
    username: string | null;
    contact_id: string | null;
    lead_id: string | null;
  };
  campaign: { id: string; name: string } | null;
  attribution: Attribution;
  queue_id: string | null;
  agent: { id: string; name: string } | null;
  bot_active: boolean;
  opt_in: { state: OptInState; at: string | null };
  window_expires_at: string | null;
  unread_count: number;
  last_message: { text: string; at: string; direction: Direction } | null;
  started_at: string;
  ended_at: string | null;
  ended_by: string | null;
  case_id: string | null;
  gathered: { name: string; label: string; value: string }[];
  origin: 'customer' | 'agent' | 'recorded';
  /** Until when messages are free of charge, for a customer who came by an advertisement. */
  free_entry_until: string | null;
  /** How many replies wait until the customer answers. */
  pending_count: number;
  numbers: SessionNumbers;
  version: number;
}

/** Who wrote how much, and how fast people answered (milliseconds). */
export interface SessionNumbers {
  customer_messages: number;
  agent_messages: number;
  bot_messages: number;
  first_response: number | null;
  average_response: number | null;
  waits_since: string | null;
}

/** A reply that is sent by itself as soon as the customer answers. */
export interface PendingReply {
  id: string;
  session_id: string;
  kind: string;
  text: string;
  author: { id: string; name: string } | null;
  reason: 'window_closed' | 'refused';
  created_at: string;
  expires_at: string;
  version: number;
}

export type MessageState =
  'pending' | 'sending' | 'sent' | 'delivered' | 'read' | 'played' | 'failed' | 'unknown';

export type MessageKind =
  | 'text'
  | 'image'
  | 'buttons'
  | 'list'
  | 'template'
  | 'reply'
  | 'audio'
  | 'video'
  | 'document'
  | 'sticker'
  | 'location'
  | 'contacts'
  | 'reaction'
  | 'order'
  | 'unsupported'
  | 'note'
  | 'system';

export interface MessageError {
  code: string;
  reason: string;
  advice: string;
}

export interface ListSection {
  title?: string | null;
  rows: { id: string; title: string; description?: string | null }[];
}

/** What an entry says apart from its text. Parts that are not there are left out. */
export interface MessageDetails {
  place?: {
    latitude: number;
    longitude: number;
    name: string | null;
    address: string | null;
  } | null;
  cards?: {
    name: string | null;
    phones: string[];
    emails: string[];
    organisation: string | null;
    /** The customer's own, sent because we asked for it. */
    own: boolean;
  }[];
  order?: { product: string; quantity: number; price: number | null; currency: string | null }[];
  form?: { field: string; answer: string }[];
  choice?: { id: string; description: string | null } | null;
  /** The button under our text that opens a page. */
  link?: { label: string; url: string } | null;
  /** The button under our text that opens a form. */
  offers?: { label: string; name: string } | null;
  /** What stands above our text, and below it. */
  header?: string | null;
  footer?: string | null;
  /** What our text asks the customer for. */
  asks_for?: 'place' | 'phone' | null;
  came_from?: {
    kind: string | null;
    headline: string | null;
    body: string | null;
    url: string | null;
    source_id: string | null;
    click_id: string | null;
  } | null;
  /** The text stood in the link that the customer tapped. */
  prefilled?: boolean;
  product?: string | null;
  forwarded?: boolean;
  edited?: boolean;
  /** What it said before the customer changed it, the oldest first. */
  earlier?: { text: string; at: string }[];
  /** When the customer deleted it. */
  deleted_at?: string | null;
  voice?: boolean;
  written_in_app?: boolean;
}

/** A WhatsApp number as WhatsApp has it now. */
export interface ChannelNumber {
  display_phone_number: string | null;
  verified_name: string | null;
  name_status: string | null;
  status: string | null;
  code_status: string | null;
  quality: string | null;
  messaging_limit: string | null;
  /** The number's own webhook address. */
  webhook: string | null;
  account_webhook: string | null;
  /** Where this server takes its webhooks. */
  own_address: string | null;
  profile: {
    about: string;
    address: string;
    description: string;
    email: string;
    websites: string[];
    vertical: string;
    picture_url: string | null;
  };
}

/** What an advertisement brought. */
export interface Advertisement {
  source_id: string;
  kind: string | null;
  headline: string | null;
  url: string | null;
  chats: number;
  agent: number;
  cases: number;
  leads: number;
  won: number;
  last_at: string;
}

/** Something a provider told of a channel's account. */
export interface ChannelNotice {
  id: string;
  severity: 'information' | 'warning' | 'critical';
  text: string;
  at: string;
}

/** Whether a file is here, on its way from the provider, or not to be had. */
export type FilePresence = 'stored' | 'pending' | 'failed';

export interface MessageMedia {
  id: string;
  mime: string;
  file_name: string | null;
  url: string;
  size: number | null;
  presence: FilePresence;
}

/** A file of a conversation, in a list. */
export interface Attachment {
  media: MessageMedia;
  message_id: string;
  session_id: string;
  channel_id: string;
  kind: MessageKind;
  direction: Direction;
  author: { kind: 'customer' | 'bot' | 'agent' | 'system'; name: string | null };
  customer: string | null;
  text: string;
  voice: boolean;
  at: string;
}

export interface Message {
  id: string;
  session_id: string;
  direction: Direction;
  author: { kind: 'customer' | 'bot' | 'agent' | 'system'; name: string | null };
  kind: MessageKind;
  text: string;
  buttons: { id: string; title: string }[];
  sections: ListSection[];
  media: MessageMedia | null;
  template: { name: string; language: string; parameters: string[] } | null;
  details: MessageDetails | null;
  reply_to: string | null;
  /** Whom a note speaks to. */
  mentions: NoteMention[];
  state: MessageState | null;
  error: MessageError | null;
  at: string;
  client_id: string | null;
}

/** What stands above and below a text with buttons. */
interface Frame {
  header?: string;
  footer?: string;
}

export type OutgoingMessage = { client_id: string; seen_seq?: number } & (
  | { kind: 'text'; text: string }
  | { kind: 'note'; text: string }
  | {
      kind: 'template';
      template_id: string;
      parameters: string[];
      header?: TemplateHeaderValue | null;
      buttons?: TemplateButtonValue[];
    }
  | { kind: 'image' | 'video' | 'document'; media_id: string; caption?: string }
  | { kind: 'audio'; media_id: string; voice: boolean }
  | { kind: 'sticker'; media_id: string }
  | ({ kind: 'buttons'; text: string; buttons: { id: string; title: string }[] } & Frame)
  | ({
      kind: 'list';
      text: string;
      button: string;
      sections: { title: string; rows: { id: string; title: string; description?: string }[] }[];
    } & Frame)
  | { kind: 'place'; latitude: string; longitude: string; name?: string; address?: string }
  | {
      kind: 'card';
      name: string;
      phones?: string[];
      emails?: string[];
      organisation?: string;
    }
  | ({ kind: 'link'; text: string; label: string; url: string } & Frame)
  | ({ kind: 'form'; form_id: string; text: string; label: string } & Frame)
  | { kind: 'request_place'; text: string }
  | { kind: 'request_contact'; text: string }
  | { kind: 'reaction'; message_id: string; emoji: string }
);

export interface Media {
  id: string;
  mime: string;
  size: number;
  file_name: string | null;
  voice: boolean;
}

export interface Offer {
  id: string;
  session_id: string;
  queue_id: string;
  session: Session;
  offered_at: string;
  expires_at: string;
}

export type LeadStatus = 'new' | 'working' | 'won' | 'lost';

export interface Lead {
  id: string;
  name: string;
  phone: string | null;
  email: string | null;
  status: LeadStatus;
  campaign_id: string | null;
  session_id: string | null;
  contact_id: string | null;
  created_at: string;
}

export interface Case {
  id: string;
  number: number;
  subject: string;
  state: 'open' | 'closed';
  session_id: string | null;
  contact_id: string | null;
  created_at: string;
  closed_at: string | null;
}

export interface CustomerPanel {
  contact: Contact | null;
  lead: Lead | null;
  campaign: Campaign | { id: string; name: string } | null;
  recipient: Recipient | null;
  /** The advertisement that the customer came by. */
  advertisement: NonNullable<MessageDetails['came_from']> | null;
  /** As a person said or as it was detected; the contact's own counts before a detected one. */
  language: {
    language: string;
    by: 'person' | 'detected';
    /** In per cent; of a detected one. */
    certainty: number | null;
    at: string;
  } | null;
  consent: { sms: ConsentState; whatsapp: ConsentState; session_opt_in: OptInState };
  previous_sessions: Session[];
  case: Case | null;
  candidates: identity.PanelCandidate[];
  link_prompt: { asked_at: string; postponed_at: string | null } | null;
  link_history: identity.CustomerLink[];
  undoable_link: string | null;
  other_addresses: identity.OtherAddress[];
  customer_merges: identity.CustomerMerge[];
  block: identity.CustomerBlock | null;
}

export interface QuickReply {
  id: string;
  title: string;
  text: string;
}

export interface DeadLetter {
  id: string;
  source: 'inbox' | 'outbox' | 'job';
  source_id: string;
  reason: string;
  created_at: string;
  resolution: 'replayed' | 'discarded' | null;
  resolution_reason: string | null;
  resolved_by: string | null;
  resolved_at: string | null;
}

export interface Bootstrap {
  seq: number;
  /** Names what this user may see; the event stream's greeting names it too. */
  sight: string;
  /** `null` for an API key. */
  user: User | null;
  workspace: Workspace;
  presence: Presence | null;
  queues: Queue[];
  agents: AgentPresence[];
  sessions: Session[];
  offers: Offer[];
  unread_mentions: number;
}

export type ContactSort = 'newest' | 'oldest';

export interface FieldFilter {
  field: string;
  op: 'equals' | 'not_equals' | 'contains' | 'exists' | 'missing' | 'at_least' | 'at_most';
  value: string;
}

export interface ContactView {
  id: string;
  name: string;
  owner: string;
  shared: boolean;
  query: {
    search: string;
    list_id: string | null;
    filters: FieldFilter[];
    sort: ContactSort;
    columns: string[];
  };
  updated_at: string;
}

export interface AttributeDefinition {
  name: string;
  label: string;
  kind: 'text' | 'number' | 'date' | 'boolean' | 'choice';
  choices: string[];
  created_at: string;
}

export interface ContactAddress {
  kind: 'phone' | 'email' | 'key';
  address: string;
  priority: number;
  added_at: string;
}

export interface ContactDeletion {
  id: string;
  deleted: number;
  deleted_at: string;
  restored_at: string | null;
}

export interface Duplicate {
  first: Contact;
  second: Contact;
  reason: 'same_line' | 'same_email' | 'same_name';
  found_at: string;
}

export interface DuplicateSearch {
  state: 'running' | 'done';
  scanned: number;
  found: number;
  started_at: string;
  ended_at: string | null;
}

export interface ContactMerge {
  id: string;
  kept_id: string;
  merged_id: string;
  kept_name: string | null;
  merged_name: string | null;
  actor: string;
  merged_at: string;
  unmerged_at: string | null;
}

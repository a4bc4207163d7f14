/** The wire types of the HTTP contract. Times are RFC 3339 UTC strings, ids are prefixed strings. */
import type { Campaign, Recipient } from './campaign-types';
import type * as identity from './identity-types';
import type { FilePresence, MessageDetails, OptInState, Session } from './message-types';
import type { FrequencyCap } from './policy-types';

export type { Template } from './template-types';
export type * from './campaign-types';
export type * from './message-types';

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
  /** The number it was said for. */
  address: string;
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
  /** Pictures and other files that came with it. */
  files: TextFile[];
}

/** A picture or other file of a text (MMS). */
export interface TextFile {
  id: string;
  mime: string;
  /** In bytes; 0 while it is not here. */
  size: number;
  file_name: string | null;
  presence: FilePresence;
  /** Why it could not be fetched, or that it was removed. */
  failure: string | null;
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
  /** The file says yes, but that consent has ended, or something they wrote waits for a review. */
  held_back: number;
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

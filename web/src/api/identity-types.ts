/** Who customers are: links, merges, blocks, and finding what was written. */
import type { Contact, Lead, Message, Session } from './types';

export type MatchBy = 'reference' | 'identifier' | 'phone' | 'phone_variant' | 'email';
export type LinkObject = 'contact' | 'lead';
export type OneMatch = 'link' | 'ask' | 'next';
export type ManyMatches = 'link_newest' | 'ask' | 'next';
export type NoMatch = 'create_contact' | 'create_lead' | 'ask' | 'nothing';

export interface LinkRule {
  by: MatchBy;
  object: LinkObject;
  one: OneMatch;
  many: ManyMatches;
}

export interface LinkRules {
  rules: LinkRule[];
  none: NoMatch;
}

export interface LinkingSettings {
  workspace: LinkRules;
  channels: Record<string, LinkRules>;
}

export type CandidateReason = MatchBy | 'name';

export interface PanelCandidate {
  contact: Contact | null;
  lead: Lead | null;
  reasons: CandidateReason[];
}

export type LinkAction = 'linked' | 'created' | 'unlinked' | 'asked' | 'postponed' | 'undone';

export interface LinkState {
  contact_id: string | null;
  lead_id: string | null;
  linked_by: 'code' | 'phone' | 'created' | 'identifier' | 'email' | 'agent' | null;
}

export interface CustomerLink {
  id: string;
  messaging_user_id: string;
  session_id: string | null;
  action: LinkAction;
  reason: string;
  note: string | null;
  before: LinkState;
  after: LinkState;
  undoes_id: string | null;
  actor: string;
  actor_name: string | null;
  at: string;
}

export interface OtherAddress {
  messaging_user_id: string;
  channel_id: string;
  name: string | null;
  username: string | null;
  phone: string | null;
  session_id: string | null;
}

export interface CustomerMerge {
  id: string;
  kept_id: string;
  merged_id: string;
  kept_name: string | null;
  merged_name: string | null;
  actor: string;
  merged_at: string;
  unmerged_at: string | null;
  /** Not when it was done already, and not when WhatsApp would tell again that they are one. */
  can_part: boolean;
}

export interface CustomerBlock {
  messaging_user_id: string;
  channel_id: string;
  state: 'blocking' | 'blocked' | 'unblocking' | 'failed' | 'unblock_failed';
  failure: string | null;
  reason: string;
  actor: string;
  at: string;
  name: string | null;
}

export interface TextPiece {
  text: string;
  hit: boolean;
}

export interface SearchHit {
  message_id: string;
  session_id: string;
  messaging_user_id: string;
  channel_id: string;
  customer: string;
  session_state: Session['state'];
  direction: Message['direction'];
  author: Message['author'];
  kind: Message['kind'];
  at: string;
  excerpt: TextPiece[];
}

export type HopStep =
  | 'sent_by_customer'
  | 'webhook_stored'
  | 'processed'
  | 'processing_failed'
  | 'created'
  | 'waits'
  | 'held'
  | 'submitting'
  | 'accepted'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'played'
  | 'failed'
  | 'canceled'
  | 'expired'
  | 'unknown'
  | 'charged';

export interface MessageHop {
  step: HopStep;
  at: string | null;
  clock: 'ours' | 'provider';
  detail: string | null;
}

export interface MessageFlight {
  message_id: string;
  direction: Message['direction'];
  provider_id: string | null;
  hops: MessageHop[];
}

export interface EarlierPart {
  session: Session | null;
  data: Message[];
  next_cursor: string | null;
}

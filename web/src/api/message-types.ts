/** The wire types of conversations and their messages; `contract.ts` compares them with the documents of the API. */
import type { NoteMention } from './inbox-types';
import type { TemplateButtonValue, TemplateHeaderValue } from './template-types';

export type SessionState = 'new' | 'waiting' | 'active' | 'inactive' | 'ended' | 'error';
export type Attribution = 'certain' | 'claimed' | 'inferred' | 'qr' | 'ad' | 'none';
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
  /** The cards of a template that we sent; their files may be gone. */
  template_cards?: { media_id: string; media_kind: string; text: string; buttons: string[] }[];
  /** What a template that we sent offers for a time. */
  offer?: { text: string; code?: string | null; ends_at?: string | null } | null;
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
/** Only a stored file can be opened; one that is checked for viruses, or could not be, stays closed. */
export type FilePresence = 'stored' | 'pending' | 'failed' | 'checking' | 'infected' | 'unchecked';

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
      cards?: { media_id: string | null; parameters: string[]; buttons: TemplateButtonValue[] }[];
      /** When what it offers ends. */
      offer_ends_at?: string | null;
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

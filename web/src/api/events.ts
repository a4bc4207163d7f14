import type {
  Campaign,
  Import,
  Message,
  MessageError,
  MessageState,
  Offer,
  Presence,
  Session,
} from './types';

interface EventData {
  'message.created': { message: Message; session: Session };
  'message.updated': { message: Message; session: Session };
  'message.status': {
    session_id: string;
    message_id: string;
    state: MessageState;
    error?: MessageError | null;
  };
  'session.updated': { session: Session; taken_away?: boolean };
  'session.created': { session: Session };
  'offer.created': { offer: Offer };
  'offer.ended': { offer_id: string; session_id: string; reason: string };
  'presence.updated': { user_id: string; name: string; presence: Presence };
  'campaign.updated': { campaign: Campaign };
  'campaign.progress': { campaign_id: string };
  'template.updated': unknown;
  'channel.updated': { channel_id: string };
  'import.progress': { import: Import };
  'lead.created': { session_id?: string | null };
  'case.updated': unknown;
  'mention.created': {
    mention_id: string;
    session_id: string;
    message_id: string;
    unread_count: number;
  };
  'mention.read': { unread_count: number };
  'contact.updated': { contact_id: string };
  'consent.changed': { contact_id: string };
  typing: { session_id: string; name?: string };
}

export type EventType = keyof EventData;

/** One entry of the event log as the stream delivers it; ephemeral entries carry no sequence. */
export type LiveEvent = {
  [T in EventType]: {
    type: T;
    seq: number;
    at: string;
    entity: string;
    entity_id: string;
    data: EventData[T];
  };
}[EventType];

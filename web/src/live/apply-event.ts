import type { LiveEvent } from '@/api/events';
import type { AgentPresence, Session } from '@/api/types';
import type { LiveData } from './data';
import { addMessage, setMessageState } from './messages';

const TYPING_MS = 6_000;

/** Takes in a session unless a newer version is already known. */
export function putSession(data: LiveData, session: Session): LiveData {
  const known = data.sessions[session.id];
  if (known !== undefined && known.version > session.version) return data;
  return { ...data, sessions: { ...data.sessions, [session.id]: session } };
}

function putPresence(data: LiveData, agent: AgentPresence): LiveData {
  const others = data.agents.filter((each) => each.user_id !== agent.user_id);
  const own = agent.user_id === data.user?.id;
  return {
    ...data,
    agents: [...others, agent].sort((a, b) => a.name.localeCompare(b.name)),
    presence: own ? agent.presence : data.presence,
  };
}

/**
 * Folds one event into the state. Pure, and safe to repeat: an event at or below `seq` is already
 * contained and changes nothing. Event types this version does not know are skipped.
 */
export function applyEvent(data: LiveData, event: LiveEvent): LiveData {
  if (event.type === 'typing') {
    const until = Date.parse(event.at) + TYPING_MS;
    const typing = { name: event.data.name ?? 'Customer', until };
    return { ...data, typing: { ...data.typing, [event.data.session_id]: typing } };
  }
  if (event.seq <= data.seq) return data;
  return { ...applyKnown(data, event), seq: event.seq };
}

function applyKnown(data: LiveData, event: LiveEvent): LiveData {
  switch (event.type) {
    case 'message.created': {
      const { message, session } = event.data;
      const { [message.session_id]: _, ...typing } = data.typing;
      return addMessage({ ...putSession(data, session), typing }, message);
    }
    case 'message.status': {
      const { session_id, message_id, state, error } = event.data;
      return setMessageState(data, session_id, message_id, state, error ?? null);
    }
    case 'session.created':
    case 'session.updated':
      return putSession(data, event.data.session);
    case 'offer.created': {
      const { offer } = event.data;
      return { ...putSession(data, offer.session), offers: { ...data.offers, [offer.id]: offer } };
    }
    case 'offer.ended': {
      const { [event.data.offer_id]: _, ...offers } = data.offers;
      return { ...data, offers };
    }
    case 'presence.updated':
      return putPresence(data, event.data);
    case 'mention.created':
    case 'mention.read':
      return { ...data, unreadMentions: event.data.unread_count };
    default:
      return data;
  }
}

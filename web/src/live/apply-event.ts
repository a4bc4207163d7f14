import type { LiveEvent } from '@/api/events';
import type { AgentPresence, Session } from '@/api/types';
import type { LiveData } from './data';
import { arrive, setMessageState } from './messages';

const TYPING_MS = 6_000;

/**
 * Takes in a session unless a newer version is already known. One that comes back into sight has a
 * history that was not told meanwhile, so its messages are fetched again.
 */
export function putSession(data: LiveData, session: Session): LiveData {
  const known = data.sessions[session.id];
  if (known !== undefined && known.version > session.version) return data;
  const sessions = { ...data.sessions, [session.id]: session };
  if (!(session.id in data.away)) return { ...data, sessions };
  const { [session.id]: _, ...away } = data.away;
  const thread = data.threads[session.id];
  if (thread === undefined) return { ...data, sessions, away };
  const threads = { ...data.threads, [session.id]: { ...thread, stale: true, arrived: [] } };
  return { ...data, sessions, away, threads };
}

/** The last that is heard of a session: where it went. What is on the screen of it stays readable. */
function takeAway(data: LiveData, session: Session): LiveData {
  const known = data.sessions[session.id];
  if (known === undefined || known.version > session.version) return data;
  return {
    ...data,
    sessions: { ...data.sessions, [session.id]: session },
    away: { ...data.away, [session.id]: true },
  };
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
      return arrive({ ...putSession(data, session), typing }, message);
    }
    case 'message.updated': {
      const { message, session } = event.data;
      return arrive(putSession(data, session), message);
    }
    case 'message.status': {
      const { session_id, message_id, state, error } = event.data;
      return setMessageState(data, session_id, message_id, state, error ?? null);
    }
    case 'session.created':
      return putSession(data, event.data.session);
    case 'session.updated':
      return event.data.taken_away === true
        ? takeAway(data, event.data.session)
        : putSession(data, event.data.session);
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

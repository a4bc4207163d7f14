import type {
  AgentPresence,
  Bootstrap,
  Message,
  Offer,
  Presence,
  Queue,
  Session,
  User,
  Workspace,
} from '@/api/types';

/** The messages of one conversation that this tab holds, oldest first. */
export interface Thread {
  items: Message[];
  /** Cursor of the page before the oldest message; `null` when the beginning is here. */
  older: string | null;
  /** False until the newest page was fetched; events collect here meanwhile. */
  loaded: boolean;
  /** True after a gap in the stream: the next view fetches the newest page again. */
  stale: boolean;
}

/** Everything the stream keeps current. Only the pure functions of this folder change it. */
export interface LiveData {
  /** Sequence of the last event that is contained. */
  seq: number;
  user: User | null;
  workspace: Workspace | null;
  presence: Presence | null;
  queues: Queue[];
  agents: AgentPresence[];
  sessions: Record<string, Session>;
  offers: Record<string, Offer>;
  threads: Record<string, Thread>;
  /** Who is typing in which conversation, and until when that is believed (epoch ms). */
  typing: Record<string, { name: string; until: number }>;
  /** How many mentions in notes the user has not read. */
  unreadMentions: number;
}

export const EMPTY: LiveData = {
  seq: 0,
  user: null,
  workspace: null,
  presence: null,
  queues: [],
  agents: [],
  sessions: {},
  offers: {},
  threads: {},
  typing: {},
  unreadMentions: 0,
};

export const EMPTY_THREAD: Thread = { items: [], older: null, loaded: false, stale: false };

function byId<T extends { id: string }>(items: T[]): Record<string, T> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

/**
 * Starts over from a snapshot. Conversations that are on the screen stay there but are marked stale,
 * because events may have been missed in between.
 */
export function fromBootstrap(snapshot: Bootstrap, previous: LiveData): LiveData {
  return {
    seq: snapshot.seq,
    user: snapshot.user,
    workspace: snapshot.workspace,
    presence: snapshot.presence,
    queues: snapshot.queues,
    agents: snapshot.agents,
    sessions: byId(snapshot.sessions),
    offers: byId(snapshot.offers),
    threads: Object.fromEntries(
      Object.entries(previous.threads).map(([id, thread]) => [id, { ...thread, stale: true }]),
    ),
    typing: {},
    unreadMentions: snapshot.unread_mentions,
  };
}

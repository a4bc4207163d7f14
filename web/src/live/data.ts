import type {
  AgentPresence,
  Bootstrap,
  Message,
  MessageError,
  MessageState,
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
  /** Ids of what came by the stream since `loaded` became false or `stale` true: a page may lack them. */
  arrived: string[];
  /** Further states of messages that are not here yet: their page may have been read before. */
  early: Record<string, { state: MessageState; error: MessageError | null }>;
}

/** Everything the stream keeps current. Only the pure functions of this folder change it. */
export interface LiveData {
  /** Sequence of the last event that is contained. */
  seq: number;
  /** Names what this user may see; another name in the stream's greeting means that it has changed. */
  sight: string | null;
  user: User | null;
  workspace: Workspace | null;
  presence: Presence | null;
  queues: Queue[];
  agents: AgentPresence[];
  sessions: Record<string, Session>;
  /** Conversations that are no longer ours to see. Of these the state of `sessions` has no content. */
  away: Record<string, true>;
  offers: Record<string, Offer>;
  /** Of the conversations that were opened in this tab, the last one last. */
  threads: Record<string, Thread>;
  /** Who is typing in which conversation, and until when that is believed (epoch ms). */
  typing: Record<string, { name: string; until: number }>;
  /** How many mentions in notes the user has not read. */
  unreadMentions: number;
}

export const EMPTY: LiveData = {
  seq: 0,
  sight: null,
  user: null,
  workspace: null,
  presence: null,
  queues: [],
  agents: [],
  sessions: {},
  away: {},
  offers: {},
  threads: {},
  typing: {},
  unreadMentions: 0,
};

export const EMPTY_THREAD: Thread = {
  items: [],
  older: null,
  loaded: false,
  stale: false,
  arrived: [],
  early: {},
};

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
    sight: snapshot.sight,
    user: snapshot.user,
    workspace: snapshot.workspace,
    presence: snapshot.presence,
    queues: snapshot.queues,
    agents: snapshot.agents,
    sessions: byId(snapshot.sessions),
    away: {},
    offers: byId(snapshot.offers),
    threads: Object.fromEntries(
      Object.entries(previous.threads).map(([id, thread]) => [
        id,
        { ...thread, stale: true, arrived: [] },
      ]),
    ),
    typing: {},
    unreadMentions: snapshot.unread_mentions,
  };
}

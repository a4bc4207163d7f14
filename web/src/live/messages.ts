import type { Message, MessageError, MessageState, Page } from '@/api/types';
import { EMPTY_THREAD, type LiveData, type Thread } from './data';

/** How far a message has come. A later state never gives way to an earlier one. */
const RANK: Record<MessageState, number> = {
  pending: 0,
  sending: 1,
  unknown: 2,
  sent: 3,
  failed: 4,
  delivered: 5,
  read: 6,
  played: 7,
};

function rank(state: MessageState | null): number {
  return state === null ? -1 : RANK[state];
}

/** Two copies of one message: content of `incoming`, the further of both states. */
function fold(known: Message, incoming: Message): Message {
  if (rank(known.state) <= rank(incoming.state)) return incoming;
  return { ...incoming, state: known.state, error: known.error };
}

function isOptimistic(message: Message): boolean {
  return message.id.startsWith('local:');
}

export function localId(clientId: string): string {
  return `local:${clientId}`;
}

/**
 * Unites messages by id. A message that answers to the `client_id` of an optimistic one replaces it,
 * so that a bubble is never shown twice. Order: time, then id; unsent ones stay last.
 */
export function mergeMessages(known: Message[], incoming: Message[]): Message[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of incoming) {
    const local = message.client_id === null ? null : localId(message.client_id);
    if (local !== null && local !== message.id) byId.delete(local);
    const previous = byId.get(message.id);
    byId.set(message.id, previous === undefined ? message : fold(previous, message));
  }
  return [...byId.values()].sort(
    (a, b) =>
      Number(isOptimistic(a)) - Number(isOptimistic(b)) ||
      Date.parse(a.at) - Date.parse(b.at) ||
      (a.id < b.id ? -1 : 1),
  );
}

function updateThread(
  data: LiveData,
  sessionId: string,
  change: (thread: Thread) => Thread,
): LiveData {
  const thread = data.threads[sessionId] ?? EMPTY_THREAD;
  const next = change(thread);
  return next === thread ? data : { ...data, threads: { ...data.threads, [sessionId]: next } };
}

/** So many opened conversations keep their messages. */
const OPENED = 30;

/**
 * Begins to hold the messages of a conversation, before its newest page is asked for. Of the others the last opened
 * stay, and those with something unsent.
 */
export function openThread(data: LiveData, sessionId: string): LiveData {
  const ids = Object.keys(data.threads);
  if (ids.at(-1) === sessionId) return data;
  const { [sessionId]: thread = EMPTY_THREAD, ...others } = data.threads;
  const old = ids.filter((id) => id !== sessionId).slice(0, -(OPENED - 1));
  for (const id of old) {
    if (!others[id]?.items.some(isOptimistic)) delete others[id];
  }
  return { ...data, threads: { ...others, [sessionId]: thread } };
}

/** The messages, each in the state the stream has already told of it. */
function withEarly(messages: Message[], early: Thread['early']): Message[] {
  return messages.map((message) => {
    const told = early[message.id];
    return told !== undefined && rank(told.state) > rank(message.state)
      ? { ...message, ...told }
      : message;
  });
}

function withoutEarly(early: Thread['early'], messages: Message[]): Thread['early'] {
  if (!messages.some((message) => message.id in early)) return early;
  const here = new Set(messages.map((message) => message.id));
  return Object.fromEntries(Object.entries(early).filter(([id]) => !here.has(id)));
}

/** Adds messages to what the thread holds; states that came before them count. */
function take(thread: Thread, kept: Message[], incoming: Message[]): Thread {
  return {
    ...thread,
    items: mergeMessages(kept, withEarly(incoming, thread.early)),
    early: withoutEarly(thread.early, incoming),
  };
}

export function addMessage(data: LiveData, message: Message): LiveData {
  return updateThread(data, message.session_id, (thread) => take(thread, thread.items, [message]));
}

/** A message the stream tells of, where its conversation was opened here. While a page is fetched, that page may have been read before it. */
export function arrive(data: LiveData, message: Message): LiveData {
  if (!(message.session_id in data.threads)) return data;
  return updateThread(data, message.session_id, (thread) => ({
    ...take(thread, thread.items, [message]),
    arrived: thread.loaded && !thread.stale ? thread.arrived : [...thread.arrived, message.id],
  }));
}

/**
 * Takes in the newest page. After a gap the held messages are replaced, except unsent ones and those
 * the stream has told of since the gap; a held message of the page keeps the further of both states.
 */
export function applyNewestPage(data: LiveData, sessionId: string, page: Page<Message>): LiveData {
  return updateThread(data, sessionId, (thread) => {
    const inPage = new Set(page.data.map((message) => message.id));
    const since = new Set(thread.arrived);
    const kept = thread.stale
      ? thread.items.filter(
          (each) => isOptimistic(each) || inPage.has(each.id) || since.has(each.id),
        )
      : thread.items;
    const keepsHistory = thread.loaded && !thread.stale;
    return {
      ...take(thread, kept, page.data),
      older: keepsHistory ? thread.older : page.next_cursor,
      loaded: true,
      stale: false,
      arrived: [],
    };
  });
}

export function applyOlderPage(data: LiveData, sessionId: string, page: Page<Message>): LiveData {
  return updateThread(data, sessionId, (thread) => ({
    ...take(thread, thread.items, page.data),
    older: page.next_cursor,
  }));
}

export function setMessageState(
  data: LiveData,
  sessionId: string,
  messageId: string,
  state: MessageState,
  error: MessageError | null,
): LiveData {
  if (!(sessionId in data.threads)) return data;
  return updateThread(data, sessionId, (thread) => {
    const index = thread.items.findIndex((message) => message.id === messageId);
    const message = thread.items[index];
    if (message === undefined) {
      const told = thread.early[messageId];
      if (told !== undefined && rank(told.state) >= rank(state)) return thread;
      return { ...thread, early: { ...thread.early, [messageId]: { state, error } } };
    }
    if (rank(message.state) >= rank(state)) return thread;
    return { ...thread, items: thread.items.with(index, { ...message, state, error }) };
  });
}

/** An optimistic message fails or is tried again: here the state may also go back to pending. */
export function setLocalState(
  data: LiveData,
  sessionId: string,
  clientId: string,
  state: 'pending' | 'failed',
  error: MessageError | null,
): LiveData {
  return updateThread(data, sessionId, (thread) => {
    const index = thread.items.findIndex((message) => message.id === localId(clientId));
    const message = thread.items[index];
    if (message === undefined) return thread;
    return { ...thread, items: thread.items.with(index, { ...message, state, error }) };
  });
}

export function removeLocal(data: LiveData, sessionId: string, clientId: string): LiveData {
  return updateThread(data, sessionId, (thread) => ({
    ...thread,
    items: thread.items.filter((message) => message.id !== localId(clientId)),
  }));
}

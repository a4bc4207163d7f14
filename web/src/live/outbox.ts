import { api, newKey } from '@/api/client';
import { ApiError } from '@/api/errors';
import type { Message, MessageError, MessageKind, OutgoingMessage } from '@/api/types';
import { addMessage, localId, removeLocal, setLocalState } from './messages';
import { backoffMs } from './stream';
import { changeLive, useLive } from './store';

/**
 * Messages on their way to the server. Each is shown at once, kept in the tab's storage, and sent
 * with its `client_id` as idempotency key until the server has answered: a repeat after a cut is
 * therefore the same message, never a second one.
 */
interface Entry {
  /** Who wrote it. It never leaves under another login. */
  userId: string;
  sessionId: string;
  body: OutgoingMessage;
  /** What the bubble shows while it is unconfirmed; `failed` once the server has refused it. */
  shown: Message;
}

/** What the transcript calls what is sent under another name. */
const SHOWN_KINDS = {
  place: 'location',
  card: 'contacts',
  link: 'text',
  request_place: 'text',
  request_contact: 'text',
} as const;

const STORAGE_KEY = 'segue.outbox';
const entries = new Map<string, Entry>();
const chains = new Map<string, Promise<void>>();
/** Those that are being sent, or wait for another try. */
const running = new Set<string>();

function persist(): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify([...entries.values()]));
  } catch {
    // Without storage an unsent message is lost when the tab closes; sending itself still works.
  }
}

/** Who is signed in, as the live connection knows it. */
function whoIsHere(): string | undefined {
  return useLive.getState().user?.id;
}

/**
 * Puts unsent messages of this tab back after a reload and goes on sending them. What the server has
 * refused is only shown: whether it goes again is the writer's decision. What somebody else wrote
 * before is dropped.
 */
export function resumeOutbox(): void {
  let stored: Entry[];
  try {
    stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? '[]') as Entry[];
  } catch {
    return;
  }
  const here = whoIsHere();
  const mine = [...entries.values(), ...stored].filter((entry) => entry.userId === here);
  entries.clear();
  for (const entry of mine) {
    const { client_id } = entry.body;
    if (entries.has(client_id)) continue;
    entries.set(client_id, entry);
    changeLive((data) => addMessage(data, entry.shown));
    if (!running.has(client_id) && entry.shown.state !== 'failed') enqueue(entry);
  }
  persist();
}

/** Whether something was written that the server does not have. */
export const hasUnsent = (): boolean => entries.size > 0;

/** Forgets what was not sent: whoever signs in next must neither see nor send it. */
export function clearOutbox(): void {
  entries.clear();
  persist();
}

type Content = OutgoingMessage extends infer M
  ? M extends unknown
    ? Omit<M, 'client_id' | 'seen_seq'>
    : never
  : never;

export interface Sending {
  sessionId: string;
  content: Content;
  /** Text of the bubble until the server answers, e.g. the filled template. */
  text: string;
  media?: Message['media'];
}

export function send({ sessionId, content, text, media }: Sending): void {
  const clientId = newKey();
  const { user, seq } = useLive.getState();
  const body = { ...content, client_id: clientId, seen_seq: seq } as OutgoingMessage;
  const shown: Message = {
    id: localId(clientId),
    session_id: sessionId,
    direction: content.kind === 'note' ? 'system' : 'outbound',
    author: { kind: 'agent', name: user?.name ?? null },
    kind: SHOWN_KINDS[content.kind as keyof typeof SHOWN_KINDS] ?? (content.kind as MessageKind),
    text,
    buttons: [],
    sections: [],
    media: media ?? null,
    template: null,
    details: null,
    reply_to: content.kind === 'reaction' ? content.message_id : null,
    mentions: [],
    state: 'pending',
    error: null,
    at: new Date().toISOString(),
    client_id: clientId,
  };
  const entry = { userId: user?.id ?? '', sessionId, body, shown };
  entries.set(clientId, entry);
  persist();
  changeLive((data) => addMessage(data, shown));
  enqueue(entry);
}

/** Sends a refused message again; it becomes a new request, because the old one has its answer. */
export function retry(message: Message): void {
  const entry = message.client_id === null ? undefined : entries.get(message.client_id);
  if (entry === undefined) return;
  const { client_id: _, seen_seq: __, ...content } = entry.body;
  discard(message);
  send({
    sessionId: entry.sessionId,
    content: content as Content,
    text: entry.shown.text,
    media: entry.shown.media,
  });
}

export function discard(message: Message): void {
  if (message.client_id === null) return;
  entries.delete(message.client_id);
  persist();
  changeLive((data) => removeLocal(data, message.session_id, message.client_id ?? ''));
}

/** Messages of one conversation leave one after the other, in the order they were written. */
function enqueue(entry: Entry): void {
  running.add(entry.body.client_id);
  const previous = chains.get(entry.sessionId) ?? Promise.resolve();
  const next = previous
    .then(() => deliver(entry))
    .finally(() => running.delete(entry.body.client_id));
  chains.set(entry.sessionId, next);
  void next.finally(() => {
    if (chains.get(entry.sessionId) === next) chains.delete(entry.sessionId);
  });
}

async function deliver(entry: Entry): Promise<void> {
  const { client_id } = entry.body;
  for (let attempt = 0; entries.has(client_id); attempt += 1) {
    if ((whoIsHere() ?? '') !== entry.userId) return;
    try {
      const message = await api.post<Message>(`/sessions/${entry.sessionId}/messages`, entry.body, {
        idempotencyKey: client_id,
        userId: entry.userId,
      });
      entries.delete(client_id);
      persist();
      changeLive((data) => addMessage(data, { ...message, client_id }));
      return;
    } catch (error) {
      if (
        error instanceof ApiError &&
        (error.retryable || error.code === 'idempotency_in_flight')
      ) {
        await new Promise((resolve) =>
          setTimeout(resolve, 250 + backoffMs(attempt, Math.random())),
        );
        continue;
      }
      const problem = failureOf(error);
      entry.shown = { ...entry.shown, state: 'failed', error: problem };
      persist();
      changeLive((data) => setLocalState(data, entry.sessionId, client_id, 'failed', problem));
      return;
    }
  }
}

function failureOf(error: unknown): MessageError {
  if (error instanceof ApiError) {
    return { code: error.code, reason: error.title, advice: error.message };
  }
  return { code: 'client', reason: 'The message could not be prepared', advice: 'Write it again.' };
}

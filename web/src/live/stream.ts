import type { LiveEvent } from '@/api/events';
import { FrameParser, type Frame } from './sse-parser';

export type StreamStatus = 'connecting' | 'live' | 'offline';

export interface StreamHandlers {
  /** Sequence up to which everything is known; asked again at every connection. */
  cursor: () => number;
  onEvent: (event: LiveEvent) => void;
  /** The server says that everything visible to us up to `seq` was delivered. */
  onCursor: (seq: number) => void;
  onStatus: (status: StreamStatus) => void;
  /** Events were missed: load a snapshot; the stream goes on after the promise is fulfilled. */
  onResync: (reason: string) => Promise<void>;
  onSignedOut: () => void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const DEFAULT_HEARTBEAT_MS = 15_000;

/** Waiting time before attempt `attempt` (from 0): exponential with full jitter. */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt));
}

/**
 * Holds the event stream open until `signal` aborts. It resumes from the cursor after every cut, so
 * nothing is lost, and treats two missed heartbeats as a cut, so a dead line is noticed.
 */
export async function runStream(handlers: StreamHandlers, signal: AbortSignal): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    if (attempt === 0) handlers.onStatus('connecting');
    const outcome = await connectOnce(handlers, signal, () => {
      attempt = 0;
    });
    if (signal.aborted || outcome === 'signed_out') return;
    if (outcome === 'resync') {
      try {
        await handlers.onResync('the server asked for it');
        continue;
      } catch {
        // The snapshot could not be loaded either: treat it like a cut and try again later.
      }
    }
    handlers.onStatus('offline');
    await pause(backoffMs(attempt, Math.random()), signal);
    attempt += 1;
  }
}

type Outcome = 'cut' | 'resync' | 'signed_out';

async function connectOnce(
  handlers: StreamHandlers,
  signal: AbortSignal,
  onOpen: () => void,
): Promise<Outcome> {
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal.addEventListener('abort', abort);
  let heartbeat = DEFAULT_HEARTBEAT_MS;
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(abort, heartbeat * 2);
  };
  try {
    alive();
    const response = await fetch(`/api/v1/events?since=${handlers.cursor()}`, {
      headers: { Accept: 'text/event-stream' },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: connection.signal,
    });
    if (response.status === 401) {
      handlers.onSignedOut();
      return 'signed_out';
    }
    if (response.status === 410) return 'resync';
    if (!response.ok || response.body === null) return 'cut';
    onOpen();
    handlers.onStatus('live');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new FrameParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'cut';
      alive();
      for (const frame of parser.push(value)) {
        if (frame.event === 'resync') {
          abort();
          return 'resync';
        }
        const hello = takeFrame(frame, handlers);
        if (hello !== undefined) {
          heartbeat = hello;
          alive();
        }
      }
    }
  } catch {
    return 'cut';
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
  }
}

/** Hands a frame on; answers with the heartbeat interval when the server announced it. */
function takeFrame(frame: Frame, handlers: StreamHandlers): number | undefined {
  let body: unknown;
  try {
    body = JSON.parse(frame.data);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  if (frame.event === 'hello') {
    const { heartbeat_ms } = body as { heartbeat_ms?: number };
    return typeof heartbeat_ms === 'number' && heartbeat_ms > 0 ? heartbeat_ms : undefined;
  }
  if (frame.event === 'heartbeat') {
    const { seq } = body as { seq?: number };
    if (typeof seq === 'number') handlers.onCursor(seq);
    return undefined;
  }
  handlers.onEvent(body as LiveEvent);
  return undefined;
}

/** Waits, but no longer than until the network or the tab comes back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      document.removeEventListener('visibilitychange', onVisible);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const onVisible = () => {
      if (document.visibilityState === 'visible') done();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
    document.addEventListener('visibilitychange', onVisible);
    signal.addEventListener('abort', done);
  });
}

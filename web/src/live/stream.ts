import { userHeader } from '@/api/client';
import type { LiveEvent } from '@/api/events';
import { FrameParser, type Frame } from './sse-parser';

export type StreamStatus = 'connecting' | 'live' | 'offline';

export interface StreamHandlers {
  /** Sequence up to which everything is known; asked again at every connection. */
  cursor: () => number;
  /** Names what we may see, as the snapshot said; `null` when it did not. */
  sight: () => string | null;
  onEvent: (event: LiveEvent) => void;
  /** The server says that everything visible to us up to `seq` was delivered. */
  onCursor: (seq: number) => void;
  onStatus: (status: StreamStatus) => void;
  /** Something came in: the server is to be told that we hear it. */
  onHeard: () => void;
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
 * nothing is lost, and treats two missed heartbeats as a cut, so a dead line is noticed. The server
 * notices one by the beats that `onHeard` sends: at least one in a heartbeat and a half.
 */
export async function runStream(handlers: StreamHandlers, signal: AbortSignal): Promise<void> {
  let attempt = 0;
  let resyncs = 0;
  while (!signal.aborted) {
    if (attempt === 0) handlers.onStatus('connecting');
    const outcome = await connectOnce(handlers, signal, () => {
      attempt = 0;
    });
    resyncs = outcome === 'resync' ? resyncs + 1 : 0;
    if (signal.aborted || outcome === 'signed_out') return;
    if (outcome === 'resync') {
      try {
        await handlers.onResync('the server asked for it');
        // Twice in a row it may be asked for again and again: no faster than after cuts.
        if (resyncs > 1) await pause(backoffMs(resyncs, Math.random()), signal);
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
  let beatAt = performance.now();
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(abort, heartbeat * 2);
  };
  try {
    alive();
    const response = await fetch(`/api/v1/events?since=${handlers.cursor()}&beats=true`, {
      headers: { Accept: 'text/event-stream', ...userHeader() },
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
      if (performance.now() - beatAt >= heartbeat / 2) {
        beatAt = performance.now();
        handlers.onHeard();
      }
      for (const frame of parser.push(value)) {
        if (frame.event === 'resync') {
          abort();
          return 'resync';
        }
        if (frame.event === 'hello') {
          const hello = readHello(frame);
          if (hello.heartbeat !== null) heartbeat = hello.heartbeat;
          alive();
          const known = handlers.sight();
          if (known !== null && hello.sight !== null && hello.sight !== known) {
            // Our rights have changed while nobody was listening; no event tells what that shows and hides.
            abort();
            return 'resync';
          }
        } else takeFrame(frame, handlers);
      }
    }
  } catch {
    return 'cut';
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
  }
}

function readBody(frame: Frame): Record<string, unknown> | null {
  try {
    const body = JSON.parse(frame.data) as unknown;
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function readHello(frame: Frame): { heartbeat: number | null; sight: string | null } {
  const { heartbeat_ms: heartbeat, sight } = readBody(frame) ?? {};
  return {
    heartbeat: typeof heartbeat === 'number' && heartbeat > 0 ? heartbeat : null,
    sight: typeof sight === 'string' ? sight : null,
  };
}

/** Hands a frame on. */
function takeFrame(frame: Frame, handlers: StreamHandlers): void {
  const body = readBody(frame);
  if (body === null) return;
  if (frame.event === 'heartbeat') {
    if (typeof body.seq === 'number') handlers.onCursor(body.seq);
  } else handlers.onEvent(body as unknown as LiveEvent);
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

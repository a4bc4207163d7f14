import { api, reportSignedOut, serverTime } from '@/api/client';
import type { LiveEvent } from '@/api/events';
import type { Bootstrap } from '@/api/types';
import { fromBootstrap } from './data';
import { advanceCursor, changeLive, flushEvents, pushEvent, setStatus, useLive } from './store';
import { tidy } from './tidy';
import { backoffMs, runStream, type StreamStatus } from './stream';

const TIDY_MS = 60_000;

/** What the tab that owns the stream tells the other tabs of the same browser. */
type TabMessage =
  | { kind: 'event'; event: LiveEvent }
  | { kind: 'cursor'; seq: number }
  | { kind: 'status'; status: StreamStatus }
  | { kind: 'resync' };

/** Starts over from what the server has now, whatever was known before. */
async function loadSnapshot(): Promise<void> {
  const snapshot = await api.get<Bootstrap>('/bootstrap');
  flushEvents();
  changeLive((data) => fromBootstrap(snapshot, data));
}

/**
 * Keeps this tab current. One tab per browser holds the stream (Web Locks) and passes everything on
 * (BroadcastChannel); when it closes, the next tab takes over from its own cursor. A tab listens to
 * the channel before it loads its snapshot, and keeps back what it hears until it has loaded it, so
 * nothing falls between both. Without these browser functions every tab holds its own stream.
 */
export async function startLive(userId: string): Promise<() => void> {
  const stop = new AbortController();
  const shared = 'locks' in navigator && 'BroadcastChannel' in window;
  const channel = shared ? new BroadcastChannel(`segue-live-${userId}`) : null;
  const tell = (message: TabMessage) => channel?.postMessage(message);
  /** What was heard while a snapshot is loaded; `null` at all other times. */
  let early: TabMessage[] | null = [];

  const hear = (message: TabMessage) => {
    if (message.kind === 'status') setStatus(message.status);
    else if (early !== null) early.push(message);
    else if (message.kind === 'event') pushEvent(message.event);
    else if (message.kind === 'cursor') advanceCursor(message.seq);
    else void startOver();
  };
  const release = () => {
    const heard = early ?? [];
    early = null;
    heard.forEach(hear);
  };
  /** The tab with the stream had to start over: so has this one, until it succeeds. */
  const startOver = async () => {
    early = [];
    for (let attempt = 0; !stop.signal.aborted; attempt += 1) {
      try {
        await loadSnapshot();
        break;
      } catch {
        await new Promise((resolve) =>
          setTimeout(resolve, 250 + backoffMs(attempt, Math.random())),
        );
      }
    }
    if (!stop.signal.aborted) release();
  };

  if (channel !== null) channel.onmessage = ({ data }: MessageEvent<TabMessage>) => hear(data);

  try {
    await loadSnapshot();
  } catch (error) {
    channel?.close();
    throw error;
  }
  release();

  const idle = new Map<string, number>();
  const tidying = setInterval(
    () => changeLive((data) => tidy(data, idle, serverTime(Date.now()))),
    TIDY_MS,
  );

  const own = () =>
    runStream(
      {
        cursor: () => {
          flushEvents();
          return useLive.getState().seq;
        },
        sight: () => useLive.getState().sight,
        onEvent: (event) => {
          pushEvent(event);
          tell({ kind: 'event', event });
        },
        onCursor: (seq) => {
          advanceCursor(seq);
          tell({ kind: 'cursor', seq });
        },
        onHeard: () => {
          // One that is lost is made up for by the next.
          api.post('/events/beat').catch(() => undefined);
        },
        onStatus: (status) => {
          setStatus(status);
          tell({ kind: 'status', status });
        },
        onResync: async () => {
          await loadSnapshot();
          tell({ kind: 'resync' });
        },
        onSignedOut: reportSignedOut,
      },
      stop.signal,
    );

  if (shared) {
    // A waiting tab counts as live: the owner would have told it otherwise.
    setStatus('live');
    void navigator.locks
      .request(`segue-live-${userId}`, { signal: stop.signal }, own)
      .catch(() => undefined);
  } else {
    void own();
  }
  return () => {
    stop.abort();
    clearInterval(tidying);
    channel?.close();
  };
}

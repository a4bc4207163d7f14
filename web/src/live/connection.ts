import { api, reportSignedOut } from '@/api/client';
import type { LiveEvent } from '@/api/events';
import type { Bootstrap } from '@/api/types';
import { fromBootstrap } from './data';
import { advanceCursor, changeLive, flushEvents, pushEvent, setStatus, useLive } from './store';
import { runStream, type StreamStatus } from './stream';

/** What the tab that owns the stream tells the other tabs of the same browser. */
type TabMessage =
  | { kind: 'event'; event: LiveEvent }
  | { kind: 'cursor'; seq: number }
  | { kind: 'status'; status: StreamStatus }
  | { kind: 'resync' };

async function loadSnapshot(): Promise<void> {
  const snapshot = await api.get<Bootstrap>('/bootstrap');
  flushEvents();
  changeLive((data) => (snapshot.seq < data.seq ? data : fromBootstrap(snapshot, data)));
}

/**
 * Keeps this tab current. One tab per browser holds the stream (Web Locks) and passes everything on
 * (BroadcastChannel); when it closes, the next tab takes over from its own cursor. A tab listens to
 * the channel before it loads its snapshot, so nothing falls between both. Without these browser
 * functions every tab holds its own stream.
 */
export async function startLive(userId: string): Promise<() => void> {
  const stop = new AbortController();
  const shared = 'locks' in navigator && 'BroadcastChannel' in window;
  const channel = shared ? new BroadcastChannel(`segue-live-${userId}`) : null;
  const tell = (message: TabMessage) => channel?.postMessage(message);
  let ready = false;
  const early: LiveEvent[] = [];

  if (channel !== null) {
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      if (data.kind === 'event') {
        if (ready) pushEvent(data.event);
        else early.push(data.event);
      } else if (data.kind === 'cursor') advanceCursor(data.seq);
      else if (data.kind === 'status') setStatus(data.status);
      else void loadSnapshot().catch(() => undefined);
    };
  }

  try {
    await loadSnapshot();
  } catch (error) {
    channel?.close();
    throw error;
  }
  ready = true;
  early.forEach(pushEvent);

  const own = () =>
    runStream(
      {
        cursor: () => {
          flushEvents();
          return useLive.getState().seq;
        },
        onEvent: (event) => {
          pushEvent(event);
          tell({ kind: 'event', event });
        },
        onCursor: (seq) => {
          advanceCursor(seq);
          tell({ kind: 'cursor', seq });
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
    channel?.close();
  };
}

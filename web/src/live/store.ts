import { create } from 'zustand';
import type { LiveEvent } from '@/api/events';
import { applyEvent } from './apply-event';
import { EMPTY, type LiveData } from './data';
import type { StreamStatus } from './stream';

export interface LiveState extends LiveData {
  status: StreamStatus;
  /** Epoch ms since when the stream is down; `null` while it is up. */
  offlineSince: number | null;
}

const INITIAL: LiveState = { ...EMPTY, status: 'connecting', offlineSince: null };

export const useLive = create<LiveState>(() => INITIAL);

export function changeLive(change: (data: LiveData) => LiveData): void {
  useLive.setState((state) => change(state));
}

export function setStatus(status: StreamStatus): void {
  useLive.setState((state) => ({
    status,
    offlineSince: status === 'live' ? null : (state.offlineSince ?? Date.now()),
  }));
}

export function resetLive(): void {
  queue = [];
  useLive.setState(INITIAL, true);
}

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();

/** Hears every event after it was applied: for caches, sounds and notices. */
export function onLiveEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** When something last came by the stream, or by the tab that holds it (epoch ms). */
let heardAt = 0;

export const lastHeardAt = (): number => heardAt;

let queue: LiveEvent[] = [];
let scheduled = false;

/** Collects events and applies them together, at most once per painted frame. */
export function pushEvent(event: LiveEvent): void {
  heardAt = Date.now();
  queue.push(event);
  if (scheduled) return;
  scheduled = true;
  // A hidden tab paints no frames, but its title and sounds still follow.
  if (document.hidden) setTimeout(flushEvents, 50);
  else requestAnimationFrame(flushEvents);
}

export function flushEvents(): void {
  scheduled = false;
  const batch = queue;
  queue = [];
  if (batch.length === 0) return;
  const known = useLive.getState().seq;
  useLive.setState((state) => batch.reduce<LiveData>(applyEvent, state));
  for (const event of batch) {
    if (event.seq > known || event.type === 'typing')
      listeners.forEach((listener) => listener(event));
  }
}

/** Moves the cursor over events that are not meant for this user. */
export function advanceCursor(seq: number): void {
  heardAt = Date.now();
  flushEvents();
  useLive.setState((state) => (seq > state.seq ? { seq } : {}));
}

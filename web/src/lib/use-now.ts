import { useSyncExternalStore } from 'react';
import { serverTime } from '@/api/client';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => listeners.forEach((each) => each()), 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/**
 * The present moment in epoch ms, rounded down to `step`. All users share one timer, and a component
 * renders again only when its rounded value changes.
 */
export function useNow(step = 1000): number {
  const read = () => Math.floor(Date.now() / step) * step;
  return useSyncExternalStore(subscribe, read, read);
}

/** The present moment by the server's clock: what its times are compared with, wherever something ends by them. */
export function useServerNow(step = 1000): number {
  return serverTime(useNow(step));
}

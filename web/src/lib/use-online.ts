import { useSyncExternalStore } from 'react';

/** Since when the browser says that the computer has no network (epoch ms): 0 for since before the page was opened. */
let cutAt: number | null = null;

function read(): number | null {
  if (navigator.onLine) cutAt = null;
  else cutAt ??= 0;
  return cutAt;
}

function subscribe(listener: () => void): () => void {
  const cut = () => {
    cutAt = Date.now();
    listener();
  };
  window.addEventListener('online', listener);
  window.addEventListener('offline', cut);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', cut);
  };
}

/** Since when the computer has no network, as the browser sees it; `null` while it has one. */
export function useCutAt(): number | null {
  return useSyncExternalStore(subscribe, read);
}

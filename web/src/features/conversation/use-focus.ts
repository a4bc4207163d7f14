import { useEffect, useRef, type RefObject } from 'react';

/** Most pages that are loaded to find a message. */
const MOST_PAGES = 60;

interface Focus {
  messageId: string | null;
  box: RefObject<HTMLDivElement | null>;
  loaded: boolean;
  older: string | null;
  loadOlder: () => Promise<void>;
  /** Changes with what is on the screen. */
  count: number;
}

/** Loads back to a message that was looked for, and shows it. */
export function useFocus({ messageId, box, loaded, older, loadOlder, count }: Focus): void {
  const found = useRef<string | null>(null);
  const pages = useRef(0);
  useEffect(() => {
    pages.current = 0;
  }, [messageId]);
  useEffect(() => {
    if (messageId === null || messageId === found.current || !loaded) return;
    const element = box.current?.querySelector(`[data-message-id="${CSS.escape(messageId)}"]`);
    if (element != null) {
      element.scrollIntoView({ block: 'center' });
      found.current = messageId;
    } else if (older !== null && pages.current < MOST_PAGES) {
      pages.current += 1;
      void loadOlder().catch(() => undefined);
    }
  }, [messageId, loaded, older, loadOlder, count, box]);
}

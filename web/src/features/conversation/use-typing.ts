import { useRef } from 'react';
import { tellTyping } from './api';

/** The dots stay for 25 seconds, and the server tells of writing every 20 at most. */
const EVERY_MS = 20_000;

/** Gives what to call while an answer is being written: the customer sees that. What is lost on the way is let be. */
export function useTyping(sessionId: string): () => void {
  const told = useRef({ sessionId: '', at: 0 });
  return () => {
    const at = Date.now();
    if (told.current.sessionId === sessionId && at - told.current.at < EVERY_MS) return;
    told.current = { sessionId, at };
    tellTyping(sessionId).catch(() => undefined);
  };
}

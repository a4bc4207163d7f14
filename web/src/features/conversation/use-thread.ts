import { useCallback, useEffect, useState } from 'react';
import { ApiError } from '@/api/errors';
import {
  applyNewestPage,
  applyOlderPage,
  backoffMs,
  changeLive,
  openThread,
  putSession,
  useLive,
} from '@/live';
import { fetchMessages, fetchSession, markRead } from './api';

const AGAIN_MS = 2_000;

/** Fetches what this conversation lacks: the session itself, its newest page, older pages on demand. */
export function useThread(sessionId: string) {
  const thread = useLive((state) => state.threads[sessionId]);
  const known = useLive((state) => sessionId in state.sessions);
  const ready = useLive((state) => state.user !== null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const needed = ready && (thread === undefined || !thread.loaded || thread.stale);
  const wanted = ready && (!known || needed);

  // What failed on the way is fetched again by itself; what the server refused is not.
  useEffect(() => {
    if (!wanted || !(error instanceof ApiError) || !error.retryable) return;
    const timer = setTimeout(() => setAttempt((count) => count + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [wanted, error, attempt]);

  useEffect(() => {
    if (!ready || known) return;
    const abort = new AbortController();
    fetchSession(sessionId, abort.signal).then(
      (session) => {
        setError(null);
        changeLive((data) => putSession(data, session));
      },
      (reason: unknown) => abort.signal.aborted || setError(reason),
    );
    return () => abort.abort();
  }, [sessionId, known, ready, attempt]);

  // Before its page is asked for: what the stream tells from then on may not be in it.
  useEffect(() => {
    if (ready) changeLive((data) => openThread(data, sessionId));
  }, [sessionId, ready]);

  useEffect(() => {
    if (!needed) return;
    changeLive((data) => openThread(data, sessionId));
    const abort = new AbortController();
    fetchMessages(sessionId, null, abort.signal).then(
      (page) => {
        setError(null);
        changeLive((data) => applyNewestPage(data, sessionId, page));
      },
      (reason: unknown) => abort.signal.aborted || setError(reason),
    );
    return () => abort.abort();
  }, [sessionId, needed, attempt]);

  const [loadingOlder, setLoadingOlder] = useState<'yes' | 'no'>('no');
  const older = thread?.older ?? null;
  const loadOlder = useCallback(async () => {
    if (older === null) return;
    setLoadingOlder('yes');
    try {
      const page = await fetchMessages(sessionId, older);
      changeLive((data) => applyOlderPage(data, sessionId, page));
    } finally {
      setLoadingOlder('no');
    }
  }, [sessionId, older]);

  return {
    thread,
    /** Why it is not here. While it is only not up to date, what is here stays. */
    error: known && thread?.loaded === true ? null : error,
    retry: () => {
      setError(null);
      setAttempt((count) => count + 1);
    },
    loadOlder,
    loadingOlder,
  };
}

/**
 * Clears the unread mark while the conversation is really looked at. The mark goes when the server
 * has taken it off, so that a request that is lost on the way leaves screen and server alike.
 */
export function useMarkRead(sessionId: string): void {
  const unread = useLive((state) => state.sessions[sessionId]?.unread_count ?? 0);
  const mine = useLive((state) => state.sessions[sessionId]?.agent?.id === state.user?.id);
  const looks = unread > 0 && mine;
  useEffect(() => {
    if (!looks) return;
    let running = false;
    const over = new AbortController();
    const mark = async () => {
      if (running) return;
      running = true;
      for (let attempt = 0; !over.signal.aborted; attempt += 1) {
        if (document.visibilityState !== 'visible') break;
        try {
          const session = await markRead(sessionId);
          changeLive((data) => putSession(data, session));
          if (session.unread_count > 0) break;
        } catch (error) {
          if (!(error instanceof ApiError) || !error.retryable) break;
          await new Promise((resolve) => setTimeout(resolve, 250 + backoffMs(attempt, 1)));
        }
      }
      running = false;
    };
    const onVisible = () => void mark();
    onVisible();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      over.abort();
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [sessionId, looks]);
}

import { useCallback, useEffect, useState } from 'react';
import { applyNewestPage, applyOlderPage, changeLive, putSession, useLive } from '@/live';
import { fetchMessages, fetchSession, markRead } from './api';

/** Fetches what this conversation lacks: the session itself, its newest page, older pages on demand. */
export function useThread(sessionId: string) {
  const thread = useLive((state) => state.threads[sessionId]);
  const known = useLive((state) => sessionId in state.sessions);
  const ready = useLive((state) => state.user !== null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const needed = ready && (thread === undefined || !thread.loaded || thread.stale);

  useEffect(() => {
    if (!ready || known) return;
    const abort = new AbortController();
    fetchSession(sessionId, abort.signal).then(
      (session) => changeLive((data) => putSession(data, session)),
      (reason: unknown) => abort.signal.aborted || setError(reason),
    );
    return () => abort.abort();
  }, [sessionId, known, ready, attempt]);

  useEffect(() => {
    if (!needed) return;
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
    error,
    retry: () => {
      setError(null);
      setAttempt((count) => count + 1);
    },
    loadOlder,
    loadingOlder,
  };
}

/** Clears the unread mark while the conversation is really looked at. */
export function useMarkRead(sessionId: string): void {
  const unread = useLive((state) => state.sessions[sessionId]?.unread_count ?? 0);
  const mine = useLive((state) => state.sessions[sessionId]?.agent?.id === state.user?.id);
  useEffect(() => {
    if (unread === 0 || !mine) return;
    const mark = () => {
      if (document.visibilityState !== 'visible') return;
      changeLive((data) => {
        const session = data.sessions[sessionId];
        if (session === undefined) return data;
        return {
          ...data,
          sessions: { ...data.sessions, [sessionId]: { ...session, unread_count: 0 } },
        };
      });
      void markRead(sessionId).catch(() => undefined);
    };
    mark();
    document.addEventListener('visibilitychange', mark);
    return () => document.removeEventListener('visibilitychange', mark);
  }, [sessionId, unread, mine]);
}

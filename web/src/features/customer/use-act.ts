import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import { notify } from '@/ui';

/** Does something about the customer of a conversation and shows what became of it. */
export function useAct(sessionId: string) {
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  /** For dialogs, which tell of a failure themselves and stay open. */
  const attempt = async (work: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await work();
    } finally {
      await cache.invalidateQueries({ queryKey: keys.panel(sessionId) });
      setBusy(false);
    }
  };
  const act = async (work: () => Promise<unknown>, done?: string) => {
    try {
      await attempt(work);
      if (done !== undefined) notify.done(done);
    } catch (error) {
      notify.failure(error);
    }
  };
  return { busy, act, attempt };
}

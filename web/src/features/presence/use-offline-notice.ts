import { useEffect, useRef } from 'react';
import { useLive } from '@/live';
import { notify } from '@/ui';
import { forgetChoice, lastChosen } from './choose';

/** Tells an agent who was set to Offline by the server, so that nobody waits for work in vain. */
export function useOfflineNotice(): void {
  const status = useLive((state) => state.presence?.status);
  const before = useRef(status);
  useEffect(() => {
    const dropped =
      status === 'offline' && before.current !== undefined && before.current !== 'offline';
    before.current = status;
    if (dropped && lastChosen() !== 'offline') {
      forgetChoice();
      notify.problem(
        'You are Offline now',
        'The connection was lost for a while, so your offers went back to the queue. Choose Available to get work again.',
      );
    }
  }, [status]);
}

import { useBlocker } from '@tanstack/react-router';
import { isLostByClosing, lostByLeaving } from '@/lib/unsaved';
import { hasUnsent } from '@/live';
import { LeaveDialog } from '@/ui';

/** Asks before another page or a closed window loses what is not saved or not sent. */
export function UnsavedGuard() {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname && lostByLeaving().length > 0,
    enableBeforeUnload: () => isLostByClosing() || hasUnsent(),
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return <LeaveDialog onStay={blocker.reset} onLeave={blocker.proceed} />;
}

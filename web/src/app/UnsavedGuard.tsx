import { useBlocker } from '@tanstack/react-router';
import { isLostByClosing, lostByLeaving } from '@/lib/unsaved';
import { hasUnsent } from '@/live';
import { LeaveDialog } from '@/ui';

/** So long a dialog that was closed in the same moment may take to be gone. */
const CLOSED_MS = 50;

/** Asks before another page or a closed window loses what is not saved or not sent. */
export function UnsavedGuard() {
  const blocker = useBlocker({
    shouldBlockFn: async ({ current, next }) => {
      if (current.pathname === next.pathname || lostByLeaving().length === 0) return false;
      // Whoever saves in a dialog closes it and goes on: what was typed there is not lost.
      await new Promise((resolve) => setTimeout(resolve, CLOSED_MS));
      return lostByLeaving().length > 0;
    },
    enableBeforeUnload: () => isLostByClosing() || hasUnsent(),
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return <LeaveDialog onStay={blocker.reset} onLeave={blocker.proceed} />;
}

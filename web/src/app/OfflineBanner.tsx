import { IconCloudOff } from '@tabler/icons-react';
import { lastAnswerAt } from '@/api/client';
import { useCutAt } from '@/lib/use-online';
import { useNow } from '@/lib/use-now';
import { lastHeardAt, useLive } from '@/live';
import css from './shell.module.css';

const PATIENCE_MS = 2500;

/** Says that the page may be old; short cuts are not worth a word. */
export function OfflineBanner() {
  const since = useLive((state) => state.offlineSince);
  const cutAt = useCutAt();
  const now = useNow(1000);
  // A line that is cut says nothing by itself; the computer knows at once that it has no network. Where the server answers
  // all the same, as one on this very computer does, it is not cut.
  const isCut = cutAt !== null && Math.max(lastAnswerAt(), lastHeardAt()) <= cutAt;
  if (!isCut && (since === null || now - since < PATIENCE_MS)) return null;
  return (
    <div className={css.offline} role="status" data-testid="offline-banner">
      <IconCloudOff size={16} aria-hidden="true" />
      No connection. You can go on writing; messages leave as soon as it is back.
    </div>
  );
}

import { IconCloudOff } from '@tabler/icons-react';
import { useOnline } from '@/lib/use-online';
import { useNow } from '@/lib/use-now';
import { useLive } from '@/live';
import css from './shell.module.css';

const PATIENCE_MS = 2500;

/** Says that the page may be old; short cuts are not worth a word. */
export function OfflineBanner() {
  const since = useLive((state) => state.offlineSince);
  const online = useOnline();
  const now = useNow(1000);
  // A line that is cut says nothing by itself; the computer knows at once that it has no network.
  if (online && (since === null || now - since < PATIENCE_MS)) return null;
  return (
    <div className={css.offline} role="status" data-testid="offline-banner">
      <IconCloudOff size={16} aria-hidden="true" />
      No connection. You can go on writing; messages leave as soon as it is back.
    </div>
  );
}

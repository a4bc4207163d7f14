import type { PresenceStatus } from '@/api/types';
import { changeLive } from '@/live';
import { notify } from '@/ui';
import { setPresence } from './api';

let chosen: PresenceStatus | null = null;

/** The status this person chose last; a different one was set by the server. */
export function lastChosen(): PresenceStatus | null {
  return chosen;
}

export function forgetChoice(): void {
  chosen = null;
}

/** Shows the new status at once and puts the old one back if the server refuses. */
export async function choosePresence(status: PresenceStatus): Promise<void> {
  let before: PresenceStatus | undefined;
  chosen = status;
  changeLive((data) => {
    before = data.presence?.status;
    return data.presence === null ? data : { ...data, presence: { ...data.presence, status } };
  });
  try {
    const presence = await setPresence(status);
    // Only the status: the work that was offered since then may be told of already, and this answer is older.
    changeLive((data) => ({
      ...data,
      presence: data.presence === null ? presence : { ...data.presence, status: presence.status },
    }));
    if (status === 'available') askForNotifications();
  } catch (error) {
    chosen = before ?? null;
    changeLive((data) =>
      data.presence === null || before === undefined
        ? data
        : { ...data, presence: { ...data.presence, status: before } },
    );
    notify.failure(error);
  }
}

/** Asked when somebody first takes work, because only then the answer is obvious. */
function askForNotifications(): void {
  if ('Notification' in window && Notification.permission === 'default') {
    void Notification.requestPermission().catch(() => undefined);
  }
}

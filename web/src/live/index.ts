export { startLive } from './connection';
export type { LiveData, Thread } from './data';
export { putSession } from './apply-event';
export { applyNewestPage, applyOlderPage, openThread } from './messages';
export { clearOutbox, discard, hasUnsent, resumeOutbox, retry, send } from './outbox';
export {
  CLOSING_SOON_MINUTES,
  closesSoon,
  holdOrder,
  inTab,
  isOpen,
  matches,
  tabIds,
  type InboxOrder,
  type InboxTab,
} from './select';
export { backoffMs } from './stream';
export { changeLive, lastHeardAt, onLiveEvent, resetLive, useLive } from './store';
export { holdSessions } from './tidy';

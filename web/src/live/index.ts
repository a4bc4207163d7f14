export { startLive } from './connection';
export type { LiveData, Thread } from './data';
export { putSession } from './apply-event';
export { applyNewestPage, applyOlderPage } from './messages';
export { discard, resumeOutbox, retry, send } from './outbox';
export { holdOrder, inTab, isOpen, matches, tabIds, type InboxTab } from './select';
export { changeLive, onLiveEvent, resetLive, useLive } from './store';

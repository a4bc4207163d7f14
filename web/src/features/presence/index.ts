export { choosePresence } from './choose';
export { OfferTray } from './OfferTray';
export { PresenceSwitch } from './PresenceSwitch';
export { useOfflineNotice } from './use-offline-notice';

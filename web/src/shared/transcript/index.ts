import { lazy } from 'react';

/** Opened rarely, so it does not weigh on the first load. */
export const ExportDialog = lazy(() => import('./ExportDialog'));
export { fetchExports } from './api';

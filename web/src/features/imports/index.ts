export { ImportList } from './ImportList';
export { ImportRoute } from './ImportRoute';
export { ImportWizard } from './ImportWizard';
export { TableImport } from './TableImport';

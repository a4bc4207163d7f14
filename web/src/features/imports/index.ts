export { ImportList } from './ImportList';
export { ImportWizard } from './ImportWizard';

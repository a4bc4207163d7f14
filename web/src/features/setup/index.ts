export { SetupRoute } from './SetupRoute';

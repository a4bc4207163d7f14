export { ConsentRoute } from './ConsentRoute';

export { TableList } from './TableList';
export { TableRoute } from './TableRoute';

export { ContactList } from './ContactList';
export { ContactRoute } from './ContactRoute';

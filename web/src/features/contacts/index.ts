export { ContactList } from './ContactList';
export { ContactRoute } from './ContactRoute';
export { DuplicateList } from './DuplicateList';
export { FieldList } from './FieldList';
export { MergeList } from './MergeList';

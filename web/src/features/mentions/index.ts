export { MentionsRoute } from './MentionsRoute';

export { fetchMe, signOut, type Me } from './api';
export { FirstRun } from './FirstRun';
export { SignIn } from './SignIn';

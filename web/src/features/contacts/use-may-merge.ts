import { useLive } from '@/live';

/** Whether the one who is signed in may search for duplicates, merge, and take merges back: everybody but agents. */
export const useMayMerge = () => useLive(({ user }) => user !== null && user.role !== 'agent');

import { useLive } from '@/live';

/** Whether the one who is signed in may make tables and import into them. */
export const useMayDefine = () =>
  useLive(({ user }) => user?.role === 'admin' || user?.role === 'marketer');

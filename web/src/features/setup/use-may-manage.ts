import { useLive } from '@/live';

/** Only admins change the setup; supervisors look at it. */
export function useMayManage(): boolean {
  return useLive((state) => state.user?.role === 'admin');
}

import { useQueryClient } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';

/** Loads the setup page's data again after a change. */
export function useRefresh() {
  const cache = useQueryClient();
  return () => cache.invalidateQueries({ queryKey: keys.setup });
}

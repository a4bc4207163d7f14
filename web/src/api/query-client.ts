import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors';

/** Marks lists that grow page by page: events do not fetch them again once many pages are here. */
export const LONG_LIST = { list: 'long' } as const;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (count, error) => count < 2 && error instanceof ApiError && error.retryable,
        throwOnError: false,
      },
    },
  });
}

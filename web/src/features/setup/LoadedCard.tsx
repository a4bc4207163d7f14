import type { UseQueryResult } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Card, Failure, notify, SkeletonRows } from '@/ui';

interface LoadedCardProps<T> {
  /** Shown while it is fetched, and when that fails. */
  title: string;
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

/** Settings that are fetched first: a card of the same title stands in their place until they are there. */
export function LoadedCard<T>({ title, query, children }: LoadedCardProps<T>) {
  if (query.data !== undefined) return children(query.data);
  return (
    <Card title={title}>
      {query.isError ? (
        <Failure error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <SkeletonRows rows={6} />
      )}
    </Card>
  );
}

/** Saves, tells how that went, and says meanwhile that it is under way. */
export function useSaving(done: string): [boolean, (work: () => Promise<unknown>) => void] {
  const [busy, setBusy] = useState(false);
  const save = async (work: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await work();
      notify.done(done);
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };
  return [busy, (work) => void save(work)];
}

import { IconArrowMerge } from '@tabler/icons-react';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ContactMerge } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  Page,
  SkeletonRows,
} from '@/ui';
import { fetchMerges, unmerge } from './api';
import css from './contacts.module.css';

import { useMayMerge } from './use-may-merge';

/** What was merged, and the way back. */
export function MergeList() {
  const mayMerge = useMayMerge();
  const cache = useQueryClient();
  const [asked, setAsked] = useState<ContactMerge | null>(null);
  const query = useInfiniteQuery({
    queryKey: keys.merges,
    queryFn: ({ pageParam, signal }) => fetchMerges(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const merges = query.data?.pages.flatMap((page) => page.data) ?? [];
  const takeBack = async (merge: ContactMerge) => {
    await unmerge(merge.id);
    notify.done('They are two contacts again');
    void cache.invalidateQueries({ queryKey: keys.merges });
    void cache.invalidateQueries({ queryKey: keys.contacts });
  };
  return (
    <Page title="Past merges" back={<Link to="/contacts/duplicates">← Duplicates</Link>}>
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && merges.length === 0 && (
          <EmptyState icon={<IconArrowMerge size={26} />} title="Nothing merged yet">
            Every merge is listed here and can be taken back exactly.
          </EmptyState>
        )}
        {merges.length > 0 && (
          <DataTable
            label="Past merges"
            rows={merges}
            rowKey={(each) => each.id}
            rowTestId="merge-row"
            columns={[
              {
                key: 'merged',
                title: 'Merged',
                render: (each) => each.merged_name ?? 'No name',
              },
              {
                key: 'kept',
                title: 'Into',
                render: (each) => (
                  <Link to="/contacts/$contactId" params={{ contactId: each.kept_id }}>
                    {each.kept_name ?? 'No name'}
                  </Link>
                ),
              },
              {
                key: 'when',
                title: 'When',
                priority: 'wide',
                render: (each) => formatDateTime(each.merged_at),
              },
              {
                key: 'undo',
                title: 'Undo',
                align: 'end',
                render: (each) =>
                  each.unmerged_at === null
                    ? mayMerge && (
                        <Button
                          size="xs"
                          emphasis="secondary"
                          onClick={() => setAsked(each)}
                          data-testid="unmerge"
                        >
                          Take back
                        </Button>
                      )
                    : `Taken back ${formatDateTime(each.unmerged_at)}`,
              },
            ]}
          />
        )}
      </Card>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
      {asked !== null && (
        <ConfirmDialog
          title="Take this merge back?"
          confirmLabel="Take it back"
          onConfirm={() => takeBack(asked)}
          onClose={() => setAsked(null)}
          testId="unmerge-confirm"
        >
          <p>
            {asked.merged_name ?? 'The merged contact'} is a contact of its own again, with the
            conversations, cases, leads and lists that were its own. What happened since stays with{' '}
            {asked.kept_name ?? 'the other'}.
          </p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

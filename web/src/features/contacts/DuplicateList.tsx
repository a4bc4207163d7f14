import { IconUsersGroup } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Contact, Duplicate } from '@/api/types';
import { formatPhone, fullName } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Failure, notify, Page, Row, SkeletonRows, Tag } from '@/ui';
import { dismissDuplicate, fetchDuplicates, fetchSearch, searchDuplicates } from './api';
import css from './contacts.module.css';
import grid from './grid.module.css';
import { MergeDialog } from './MergeDialog';
import { useMayMerge } from './use-may-merge';

const REASONS: Record<Duplicate['reason'], string> = {
  same_line: 'Same phone line, written differently',
  same_email: 'Same email address',
  same_name: 'Same name and another detail',
};

/** Pairs that may be one person: merge them, or say that they are two. */
export function DuplicateList() {
  const cache = useQueryClient();
  const mayMerge = useMayMerge();
  const [merging, setMerging] = useState<[Contact, Contact] | null>(null);
  const search = useQuery({
    queryKey: keys.duplicateSearch,
    queryFn: ({ signal }) => fetchSearch(signal),
    refetchInterval: (current) => (current.state.data?.search?.state === 'running' ? 1000 : false),
  });
  const last = search.data?.search ?? null;
  const query = useInfiniteQuery({
    queryKey: [...keys.duplicates, last?.ended_at ?? 'none'],
    queryFn: ({ pageParam, signal }) => fetchDuplicates(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const pairs = query.data?.pages.flatMap((page) => page.data) ?? [];
  const refresh = () => {
    void cache.invalidateQueries({ queryKey: keys.duplicates });
    void cache.invalidateQueries({ queryKey: keys.contacts });
  };
  const begin = async () => {
    try {
      await searchDuplicates();
    } catch (error) {
      notify.failure(error);
    }
    void cache.invalidateQueries({ queryKey: keys.duplicateSearch });
  };
  const dismiss = async (pair: Duplicate) => {
    try {
      await dismissDuplicate(pair.first.id, pair.second.id);
      notify.done('They stay two contacts');
      refresh();
    } catch (error) {
      notify.failure(error);
    }
  };
  const running = last?.state === 'running';
  const find = (
    <Button
      emphasis={last === null ? 'primary' : 'secondary'}
      loading={running}
      onClick={() => void begin()}
      data-testid="duplicates-search"
    >
      Find duplicates
    </Button>
  );
  return (
    <Page
      title="Duplicates"
      back={<Link to="/contacts">← Contacts</Link>}
      subtitle={
        last === null
          ? 'Contacts that may be one person.'
          : running
            ? `Looking through your contacts: ${last.scanned.toLocaleString()} so far.`
            : `Last search ${formatDateTime(last.ended_at ?? last.started_at)}, ${last.scanned.toLocaleString()} contacts.`
      }
      actions={
        <>
          <Link to="/contacts/merges" className={grid.besideButton}>
            Past merges
          </Link>
          {last !== null && mayMerge && find}
        </>
      }
    >
      <Card padding="none">
        {(query.isPending || search.isPending) && <SkeletonRows rows={4} height={70} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {!query.isError && search.data === undefined && search.isError && (
          <Failure error={search.error} onRetry={() => void search.refetch()} />
        )}
        {query.isSuccess && search.isSuccess && pairs.length === 0 && (
          <EmptyState
            icon={<IconUsersGroup size={26} />}
            title={last === null ? 'Nobody has looked yet' : 'No duplicates to settle'}
            {...(last === null && mayMerge ? { action: find } : {})}
          >
            {last === null
              ? 'A search compares phone numbers, email addresses and names of all contacts. Nothing is changed by it.'
              : 'Search again after the next import.'}
          </EmptyState>
        )}
        {pairs.map((pair) => (
          <div
            key={`${pair.first.id}.${pair.second.id}`}
            className={grid.pair}
            data-testid="duplicate-row"
          >
            <Person contact={pair.first} />
            <Person contact={pair.second} />
            <div className={grid.pairEnd}>
              <Tag tone="info">{REASONS[pair.reason]}</Tag>
              {mayMerge && (
                <Row>
                  <Button
                    size="xs"
                    emphasis="secondary"
                    onClick={() => setMerging([pair.first, pair.second])}
                    data-testid="duplicate-merge"
                  >
                    Compare and merge
                  </Button>
                  <Button size="xs" emphasis="quiet" onClick={() => void dismiss(pair)}>
                    Two persons
                  </Button>
                </Row>
              )}
            </div>
          </div>
        ))}
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
      {merging !== null && (
        <MergeDialog
          contacts={merging}
          onClose={() => setMerging(null)}
          onMerged={() => {
            setMerging(null);
            refresh();
          }}
        />
      )}
    </Page>
  );
}

function Person({ contact }: { contact: Contact }) {
  return (
    <Link to="/contacts/$contactId" params={{ contactId: contact.id }} className={grid.person}>
      <strong>{fullName(contact) ?? 'No name'}</strong>
      <span>{formatPhone(contact.phone)}</span>
      {contact.email !== null && <span>{contact.email}</span>}
    </Link>
  );
}

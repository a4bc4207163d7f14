import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Mention } from '@/api/inbox-types';
import { keys } from '@/api/query-keys';
import { formatDateTime } from '@/lib/time';
import { changeLive, useLive } from '@/live';
import {
  Button,
  Card,
  CheckField,
  EmptyState,
  Failure,
  notify,
  Page,
  Row,
  SkeletonRows,
  Tag,
} from '@/ui';
import { fetchMentions, readAllMentions, readMention } from './api';
import css from './mentions.module.css';

/** Where colleagues called the reader in notes, newest first. */
export function MentionsRoute() {
  const cache = useQueryClient();
  const unread = useLive((state) => state.unreadMentions);
  const [onlyUnread, setOnlyUnread] = useState(false);
  const query = useInfiniteQuery({
    queryKey: keys.mentionList(onlyUnread ? 'unread' : 'all'),
    queryFn: ({ pageParam, signal }) => fetchMentions(onlyUnread, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const mentions = query.data?.pages.flatMap((page) => page.data) ?? [];
  const read = async (act: () => Promise<{ unread_count: number }>) => {
    try {
      const { unread_count } = await act();
      changeLive((data) => ({ ...data, unreadMentions: unread_count }));
      await cache.invalidateQueries({ queryKey: keys.mentions });
    } catch (error) {
      notify.failure(error);
    }
  };
  return (
    <Page
      title="Mentions"
      subtitle="Notes in which a colleague wrote @ and your name."
      actions={
        <Row>
          <CheckField
            label="Only unread"
            checked={onlyUnread}
            onChange={(event) => setOnlyUnread(event.currentTarget.checked)}
            data-testid="mentions-unread"
          />
          <Button
            emphasis="secondary"
            disabled={unread === 0}
            onClick={() => void read(readAllMentions)}
            data-testid="mentions-read-all"
          >
            Mark all as read
          </Button>
        </Row>
      }
    >
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && mentions.length === 0 && (
          <EmptyState title={onlyUnread ? 'Nothing unread' : 'Nobody called you yet'}>
            When a colleague writes @ and your name in a note, it appears here at once.
          </EmptyState>
        )}
        {mentions.length > 0 && (
          <ul className={css.list} aria-label="Mentions" data-testid="mention-list">
            {mentions.map((mention) => (
              <Entry
                key={mention.id}
                mention={mention}
                onRead={() => void read(() => readMention(mention.id))}
              />
            ))}
          </ul>
        )}
        {query.hasNextPage && (
          <div className={css.more}>
            <Button
              emphasis="secondary"
              loading={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              Show older ones
            </Button>
          </div>
        )}
      </Card>
    </Page>
  );
}

function Entry({ mention, onRead }: { mention: Mention; onRead: () => void }) {
  const isUnread = mention.read_at === null;
  const head = (
    <span className={css.head}>
      <strong>{mention.about?.customer ?? 'A conversation you no longer see'}</strong>
      <span>
        {mention.author ?? 'A program'} · {formatDateTime(mention.at)}
      </span>
      {isUnread && <Tag tone="info">Unread</Tag>}
    </span>
  );
  return (
    <li className={css.entry} data-unread={isUnread ? 'yes' : 'no'} data-testid="mention-entry">
      {mention.about === null ? (
        <span className={css.target}>
          {head}
          <span>It was handed to somebody else. Ask a supervisor if you need to see it.</span>
        </span>
      ) : (
        <Link
          className={css.target}
          to="/inbox/$sessionId"
          params={{ sessionId: mention.session_id }}
          search={{ message: mention.message_id }}
          onClick={() => isUnread && onRead()}
          data-testid="mention-open"
        >
          {head}
          <span className={css.excerpt}>{mention.about.excerpt}</span>
        </Link>
      )}
      {isUnread && (
        <Button emphasis="quiet" size="xs" onClick={onRead} data-testid="mention-read">
          Mark as read
        </Button>
      )}
    </li>
  );
}

import { useInfiniteQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { TextFile } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Failure, SkeletonRows, Tag, type Tone } from '@/ui';
import { fetchContactTexts } from './api';
import css from './contacts.module.css';
import { ReceivedFile } from './ReceivedFile';

const OUTCOMES: Record<string, { label: string; tone: Tone }> = {
  stop: { label: 'STOP', tone: 'bad' },
  start: { label: 'START', tone: 'good' },
  help: { label: 'HELP', tone: 'info' },
  keyword: { label: 'Keyword', tone: 'info' },
  opt_in: { label: 'Opt-in', tone: 'good' },
  answer: { label: 'Answer', tone: 'info' },
  vote: { label: 'Vote', tone: 'info' },
  revoked: { label: 'Opted out', tone: 'bad' },
  review: { label: 'For review', tone: 'warn' },
};

const isOnItsWay = (file: TextFile) => file.presence === 'pending' || file.presence === 'checking';

/** What the person texted, in full. */
export function TextsCard({ contactId }: { contactId: string }) {
  const query = useInfiniteQuery({
    queryKey: keys.contactTexts(contactId),
    queryFn: ({ signal, pageParam }) => fetchContactTexts(contactId, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    // Files come some moments after their text, and are checked then.
    refetchInterval: (known) =>
      known.state.data?.pages.some((page) =>
        page.data.some((text) => text.files.some(isOnItsWay)),
      ) === true
        ? 3_000
        : false,
  });
  const texts = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Card
      title="Texts from this person"
      description="Everything they sent by SMS and MMS, in full."
    >
      {query.isPending && <SkeletonRows rows={2} height={40} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && texts.length === 0 && (
        <EmptyState title="No texts yet">Answers to your campaigns appear here.</EmptyState>
      )}
      <ul className={css.texts}>
        {texts.map((text) => (
          <li key={text.id} data-testid="inbound-text">
            <div className={css.eventHead}>
              <span>
                <time dateTime={text.received_at}>{formatDateTime(text.received_at)}</time> to{' '}
                {text.sender}
              </span>
              {OUTCOMES[text.outcome] !== undefined && (
                <Tag tone={OUTCOMES[text.outcome]?.tone ?? 'neutral'}>
                  {OUTCOMES[text.outcome]?.label}
                </Tag>
              )}
            </div>
            {text.text !== '' && <p>{text.text}</p>}
            {text.files.length > 0 && (
              <div className={css.files}>
                {text.files.map((file) => (
                  <ReceivedFile
                    key={file.id}
                    contactId={contactId}
                    file={file}
                    onAsked={() => void query.refetch()}
                  />
                ))}
              </div>
            )}
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show older
          </Button>
        </div>
      )}
    </Card>
  );
}

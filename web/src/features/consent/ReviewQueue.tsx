import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ConsentReview } from '@/api/types';
import { CHANNEL_WORDS } from '@/lib/consent';
import { useRegisterCommands } from '@/lib/hotkeys';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import {
  announce,
  Button,
  Card,
  ChoiceTabs,
  EmptyState,
  Failure,
  Keys,
  Notice,
  notify,
  SkeletonRows,
  Tag,
} from '@/ui';
import { decideReview, fetchReviews } from './api';
import css from './consent.module.css';

const STATES = {
  open: { label: 'Open', empty: 'Nothing to review' },
  revoked: { label: 'Opted out', empty: 'Nothing was found to be an opt-out' },
  kept: { label: 'Kept', empty: 'Nothing was found to be no opt-out' },
} as const;

const GONE =
  'The message that was chosen was decided meanwhile. Choose another with the arrow keys; until then O and K do nothing.';

/** Messages that may be an opt-out; marketing to their people waits until each is decided. */
export function ReviewQueue() {
  const cache = useQueryClient();
  const [state, setState] = useState<ConsentReview['state']>('open');
  const [chosen, setChosen] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const query = useInfiniteQuery({
    queryKey: [...keys.consentReviews(state), 'pages'],
    queryFn: ({ signal, pageParam }) => fetchReviews(state, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const reviews = query.data?.pages.flatMap((page) => page.data) ?? [];
  const position = reviews.findIndex((each) => each.id === chosen);
  const current = state === 'open' ? reviews[position] : undefined;
  const first = reviews[0];
  // By its id, so that what comes in above it meanwhile is not decided in its place.
  if (state === 'open' && chosen === null && busy === null && first !== undefined)
    setChosen(first.id);
  const gone =
    state === 'open' &&
    query.isSuccess &&
    first !== undefined &&
    chosen !== null &&
    busy === null &&
    current === undefined;
  useEffect(() => {
    if (gone) announce(GONE);
  }, [gone]);

  const decide = async (review: ConsentReview | undefined, decision: 'revoke' | 'keep') => {
    if (review === undefined || busy !== null) return;
    setBusy(review.id);
    const at = reviews.indexOf(review);
    const next = reviews[at + 1] ?? reviews[at - 1];
    try {
      await decideReview(review.id, decision);
      announce(decision === 'revoke' ? 'Recorded as an opt-out' : 'Kept; marketing goes on');
      setChosen(next?.id ?? null);
    } catch (error) {
      notify.failure(error);
    }
    await cache.invalidateQueries({ queryKey: keys.allConsentReviews });
    setBusy(null);
  };
  const move = (by: 1 | -1) => {
    const to = current === undefined ? first : (reviews[position + by] ?? current);
    if (to !== undefined) setChosen(to.id);
  };

  useRegisterCommands(
    state !== 'open' || first === undefined
      ? []
      : [
          ...(current === undefined
            ? []
            : [
                {
                  id: 'review.revoke',
                  label: 'It is an opt-out',
                  group: 'Review',
                  keys: 'o',
                  run: () => void decide(current, 'revoke'),
                },
                {
                  id: 'review.keep',
                  label: 'It is no opt-out',
                  group: 'Review',
                  keys: 'k',
                  run: () => void decide(current, 'keep'),
                },
              ]),
          {
            id: 'review.next',
            label: 'Next message',
            group: 'Review',
            keys: 'ArrowDown',
            repeats: true,
            run: () => move(1),
          },
          {
            id: 'review.previous',
            label: 'Previous message',
            group: 'Review',
            keys: 'ArrowUp',
            repeats: true,
            run: () => move(-1),
          },
        ],
  );

  return (
    <Card
      title="Messages that may be an opt-out"
      description="Clear ones are obeyed at once. These are doubtful: the person gets no marketing until you decide."
      aside={
        <ChoiceTabs
          label="State"
          value={state}
          onChange={(next) => {
            setState(next);
            setChosen(null);
          }}
          items={(['open', 'revoked', 'kept'] as const).map((value) => ({
            value,
            label: STATES[value].label,
          }))}
        />
      }
    >
      {query.isPending && <SkeletonRows rows={4} height={84} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && reviews.length === 0 && (
        <EmptyState title={STATES[state].empty}>
          {state === 'open'
            ? 'When somebody writes “not interested” or “wrong number”, it appears here.'
            : undefined}
        </EmptyState>
      )}
      {gone && <Notice tone="warn">{GONE}</Notice>}
      {current !== undefined && (
        <p className={css.keysHint}>
          <Keys keys={['↑', '↓']} /> choose · <Keys keys={['O']} /> opt-out · <Keys keys={['K']} />{' '}
          keep
        </p>
      )}
      <ul className={css.reviews}>
        {reviews.map((review) => (
          <li
            key={review.id}
            className={css.review}
            aria-current={review.id === current?.id ? 'true' : undefined}
            data-testid="consent-review"
          >
            <div className={css.reviewHead}>
              <span>
                {review.contact_id === null ? (
                  <strong>{formatPhone(review.address)}</strong>
                ) : (
                  <Link to="/contacts/$contactId" params={{ contactId: review.contact_id }}>
                    {review.contact_name ?? formatPhone(review.address)}
                  </Link>
                )}{' '}
                by {CHANNEL_WORDS[review.channel]} to {review.sender}
              </span>
              <time dateTime={review.created_at}>{formatDateTime(review.created_at)}</time>
            </div>
            <blockquote className={css.said}>{review.text}</blockquote>
            <div className={css.reviewFoot}>
              <span>
                Because of:{' '}
                {review.words.map((words) => (
                  <Tag key={words}>{words}</Tag>
                ))}
              </span>
              {review.state === 'open' ? (
                <span className={css.reviewActions}>
                  <Button
                    emphasis="secondary"
                    size="xs"
                    loading={busy === review.id}
                    onClick={() => void decide(review, 'keep')}
                    data-testid="review-keep"
                  >
                    No opt-out
                  </Button>
                  <Button
                    emphasis="danger"
                    size="xs"
                    loading={busy === review.id}
                    onClick={() => void decide(review, 'revoke')}
                    data-testid="review-revoke"
                  >
                    Opt out
                  </Button>
                </span>
              ) : (
                <span>
                  {STATES[review.state].label} by {review.decided_by},{' '}
                  {formatDateTime(review.decided_at)}
                </span>
              )}
            </div>
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

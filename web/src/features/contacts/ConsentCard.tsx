import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ConsentEvent } from '@/api/types';
import { CHANNEL_WORDS, CONSENT_ACTIONS, CONSENT_METHODS, scopeWords } from '@/lib/consent';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Failure, SkeletonRows } from '@/ui';
import { fetchConsentEvents, proofUrl } from './api';
import { ConsentDialog } from './ConsentDialog';
import css from './contacts.module.css';

/** Every entry of the ledger with its evidence, newest first. Nothing here can be changed. */
export function ConsentCard({ contactId }: { contactId: string }) {
  const [adding, setAdding] = useState(false);
  const query = useInfiniteQuery({
    queryKey: keys.consentEvents(contactId),
    queryFn: ({ signal, pageParam }) => fetchConsentEvents(contactId, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const events = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Card
      title="Consent record"
      description="Who agreed to what, when, and how it can be shown. Entries are only ever added."
      aside={
        <Button
          emphasis="secondary"
          size="xs"
          onClick={() => setAdding(true)}
          data-testid="consent-add"
        >
          Add entry
        </Button>
      }
    >
      {query.isPending && <SkeletonRows rows={3} height={60} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && events.length === 0 && (
        <EmptyState title="No consent recorded">
          This person gets no campaign until a consent is recorded.
        </EmptyState>
      )}
      <ol className={css.events}>
        {events.map((event) => (
          <ConsentEntry key={event.id} event={event} />
        ))}
      </ol>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
            data-testid="consent-more"
          >
            Show more
          </Button>
        </div>
      )}
      {events.length > 0 && (
        <p className={css.proofLinks}>
          Proof to hand over:{' '}
          <a href={proofUrl(contactId, 'json')} download data-testid="proof-json">
            JSON
          </a>{' '}
          ·{' '}
          <a href={proofUrl(contactId, 'csv')} download data-testid="proof-csv">
            CSV
          </a>
        </p>
      )}
      {adding && <ConsentDialog contactId={contactId} onClose={() => setAdding(false)} />}
    </Card>
  );
}

const CLOSING = new Set(['revoke', 'deny', 'expire', 'reassign', 'correct']);

function ConsentEntry({ event }: { event: ConsentEvent }) {
  const context = event.context;
  const where = [context?.source, context?.form_version, context?.ip].filter(
    (part): part is string => typeof part === 'string',
  );
  return (
    <li
      className={css.event}
      data-action={
        event.action === 'request' ? 'request' : CLOSING.has(event.action) ? 'revoke' : 'grant'
      }
      data-testid="consent-event"
    >
      <div className={css.eventHead}>
        <strong>
          {CONSENT_ACTIONS[event.action]} · {CHANNEL_WORDS[event.channel]} · {event.purpose}
          {event.scope !== 'all' && ` · ${scopeWords(event.scope)}`}
        </strong>
        <time dateTime={event.occurred_at}>{formatDateTime(event.occurred_at)}</time>
      </div>
      {event.wording !== null && (
        <blockquote
          title={event.wording_hash === null ? undefined : `SHA-256 ${event.wording_hash}`}
        >
          {event.wording}
        </blockquote>
      )}
      <p>
        For {formatPhone(event.address)} · By {event.actor},{' '}
        {CONSENT_METHODS[event.method].toLowerCase()}
        {event.proof !== null && <> · Proof: {event.proof}</>}
        {where.length > 0 && <> · {where.join(', ')}</>}
        {event.expires_at !== null && <> · Until {formatDateTime(event.expires_at)}</>}
      </p>
    </li>
  );
}

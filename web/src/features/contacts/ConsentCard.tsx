import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ConsentEvent } from '@/api/types';
import { CONSENT_METHODS } from '@/lib/consent';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Failure, SkeletonRows } from '@/ui';
import { fetchConsentEvents } from './api';
import { ConsentDialog } from './ConsentDialog';
import css from './contacts.module.css';

const CHANNELS: Record<string, string> = { sms: 'SMS', whatsapp: 'WhatsApp' };

/** Every grant and revocation with its evidence, newest first. Nothing here can be changed. */
export function ConsentCard({ contactId }: { contactId: string }) {
  const [adding, setAdding] = useState(false);
  const query = useQuery({
    queryKey: keys.consentEvents(contactId),
    queryFn: ({ signal }) => fetchConsentEvents(contactId, signal),
  });
  const events = [...(query.data?.data ?? [])].sort((a, b) =>
    b.occurred_at.localeCompare(a.occurred_at),
  );
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
      {adding && <ConsentDialog contactId={contactId} onClose={() => setAdding(false)} />}
    </Card>
  );
}

function ConsentEntry({ event }: { event: ConsentEvent }) {
  return (
    <li className={css.event} data-action={event.action} data-testid="consent-event">
      <div className={css.eventHead}>
        <strong>
          {event.action === 'grant' ? 'Granted' : 'Revoked'} ·{' '}
          {CHANNELS[event.channel] ?? event.channel} · {event.purpose}
        </strong>
        <time dateTime={event.occurred_at}>{formatDateTime(event.occurred_at)}</time>
      </div>
      {event.wording !== null && <blockquote>{event.wording}</blockquote>}
      <p>
        By {event.actor}, {CONSENT_METHODS[event.method].toLowerCase()}
        {event.proof !== null && <> · Proof: {event.proof}</>}
      </p>
    </li>
  );
}

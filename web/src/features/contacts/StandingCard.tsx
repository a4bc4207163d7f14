import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ConsentStanding, Subscription } from '@/api/types';
import {
  CHANNEL_WORDS,
  CONSENT_ACTIONS,
  CONSENT_METHODS,
  scopeWords,
  subscriptionState,
} from '@/lib/consent';
import { formatDateTime } from '@/lib/time';
import { Button, Card, ConfirmDialog, Failure, Notice, notify, SkeletonRows } from '@/ui';
import { endSubscription, fetchContactConsent } from './api';
import { ConsentTag } from './ConsentTag';
import css from './contacts.module.css';

/** Where consent stands on each channel, for each purpose and in each programme, and why. */
export function StandingCard({ contactId }: { contactId: string }) {
  const query = useQuery({
    queryKey: keys.contactConsent(contactId),
    queryFn: ({ signal }) => fetchContactConsent(contactId, signal),
  });
  const consent = query.data;
  return (
    <Card title="May be messaged by">
      {query.isPending && <SkeletonRows rows={3} height={34} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {consent !== undefined && consent.phone === null && (
        <p className={css.muted}>Without a phone number there is no address to consent for.</p>
      )}
      {consent !== undefined && consent.is_suppressed && (
        <Notice tone="bad">
          The number is on the suppression list: nothing promotional is sent.
        </Notice>
      )}
      {consent !== undefined && consent.open_reviews.length > 0 && (
        <Notice
          tone="warn"
          action={
            <Link to="/consent/$section" params={{ section: 'reviews' }}>
              Decide
            </Link>
          }
        >
          A message may be an opt-out. Marketing waits until somebody decides.
        </Notice>
      )}
      <ul className={css.standings}>
        {consent?.standings.map((standing) => (
          <StandingLine
            key={`${standing.channel} ${standing.purpose} ${standing.scope}`}
            standing={standing}
          />
        ))}
        {consent?.subscriptions.map((subscription) => (
          <SubscriptionLine
            key={subscription.id}
            subscription={subscription}
            contactId={contactId}
          />
        ))}
      </ul>
    </Card>
  );
}

function reason(standing: ConsentStanding): string {
  const event = standing.decided_by;
  if (standing.state === 'in_review') return 'A message of the person is being looked at';
  if (standing.state === 'expired' && standing.since !== null)
    return `It was given for a time that ended ${formatDateTime(standing.since)}`;
  if (event === null)
    return standing.since === null ? 'Nothing was ever said' : 'The consent ended';
  const when = formatDateTime(event.occurred_at);
  return `${CONSENT_ACTIONS[event.action]} ${when}, ${CONSENT_METHODS[event.method].toLowerCase()}`;
}

function StandingLine({ standing }: { standing: ConsentStanding }) {
  if (standing.scope !== 'all') {
    return (
      <li data-testid="template-standing">
        <div>
          <strong>
            {CHANNEL_WORDS[standing.channel]} · {scopeWords(standing.scope)}
          </strong>
          <span>{reason(standing)}</span>
          {standing.expires_at !== null && <span>Until {formatDateTime(standing.expires_at)}</span>}
        </div>
        <ConsentTag state={standing.state} />
      </li>
    );
  }
  return (
    <li data-testid={`${standing.channel}-${standing.purpose}`}>
      <div>
        <strong>
          {CHANNEL_WORDS[standing.channel]} · {standing.purpose}
        </strong>
        <span>{reason(standing)}</span>
        {standing.expires_at !== null && <span>Until {formatDateTime(standing.expires_at)}</span>}
      </div>
      <span
        data-testid={standing.purpose === 'marketing' ? `${standing.channel}-consent` : undefined}
      >
        <ConsentTag state={standing.state} />
      </span>
    </li>
  );
}

function SubscriptionLine({
  subscription,
  contactId,
}: {
  subscription: Subscription;
  contactId: string;
}) {
  const cache = useQueryClient();
  const [ending, setEnding] = useState(false);
  return (
    <li data-testid="subscription">
      <div>
        <strong>{subscription.programme_name}</strong>
        <span>
          {subscriptionState(subscription)} · {CONSENT_METHODS[subscription.method].toLowerCase()},{' '}
          {formatDateTime(
            subscription.ended_at ?? subscription.confirmed_at ?? subscription.requested_at,
          )}
        </span>
      </div>
      {subscription.state !== 'ended' && (
        <Button emphasis="quiet" size="xs" onClick={() => setEnding(true)}>
          End
        </Button>
      )}
      {ending && (
        <ConfirmDialog
          title={`End ${subscription.programme_name} for this person?`}
          confirmLabel="End subscription"
          emphasis="danger"
          onConfirm={async () => {
            await endSubscription(subscription.id);
            await cache.invalidateQueries({ queryKey: keys.contact(contactId) });
            notify.done('Subscription ended');
          }}
          onClose={() => setEnding(false)}
        >
          The person can join again by text. This is recorded as your act.
        </ConfirmDialog>
      )}
    </li>
  );
}

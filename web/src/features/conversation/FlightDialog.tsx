import { useQuery } from '@tanstack/react-query';
import type { HopStep, MessageFlight, MessageHop } from '@/api/identity-types';
import { keys } from '@/api/query-keys';
import type { Message } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Dialog, Failure, SkeletonRows } from '@/ui';
import { fetchFlight } from './api';
import css from './flight.module.css';

const STEPS: Record<HopStep, string> = {
  sent_by_customer: 'The customer sent it',
  webhook_stored: 'Webhook received and stored',
  processed: 'Worked on: it stands here',
  processing_failed: 'Could not be worked on at first',
  created: 'Written here and queued',
  waits: 'Waits until',
  held: 'Held or refused by the rules',
  submitting: 'Handed to WhatsApp',
  accepted: 'Accepted by WhatsApp',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  played: 'Played',
  failed: 'Failed',
  canceled: 'Canceled before it left',
  expired: 'Its time ran out',
  unknown: 'Nobody knows whether it arrived',
  charged: 'Charged as',
};

const seconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** The way of one message, hop by hop. */
export function FlightDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const query = useQuery({
    queryKey: keys.messageFlight(message.id),
    queryFn: ({ signal }) => fetchFlight(message.session_id, message.id, signal),
    staleTime: 0,
  });
  return (
    <Dialog title="What became of this message" onClose={onClose} testId="flight-dialog">
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={4} />}
      {query.data !== undefined && <Hops flight={query.data} />}
    </Dialog>
  );
}

function Hops({ flight }: { flight: MessageFlight }) {
  const { hops } = flight;
  return (
    <>
      <ol className={css.hops}>
        {hops.map((hop, index) => (
          <li key={index} data-step={hop.step} data-testid="flight-hop">
            <strong>{STEPS[hop.step]}</strong>
            {hop.detail !== null && hop.detail !== '' && <span>{hop.detail}</span>}
            <HopTime hop={hop} before={hops[index - 1]} />
          </li>
        ))}
      </ol>
      {flight.provider_id !== null && (
        <p className={css.id}>
          WhatsApp’s id: <code>{flight.provider_id}</code>
        </p>
      )}
    </>
  );
}

function HopTime({ hop, before }: { hop: MessageHop; before: MessageHop | undefined }) {
  if (hop.at === null) return null;
  const took =
    before?.at == null || before.clock !== hop.clock
      ? null
      : Date.parse(hop.at) - Date.parse(before.at);
  return (
    <time dateTime={hop.at} title={formatDateTime(hop.at)}>
      {formatDateTime(hop.at)} · {seconds.format(new Date(hop.at))}
      {hop.clock === 'provider' && ' by WhatsApp’s clock'}
      {took !== null && took >= 0 && ` · ${took} ms later`}
    </time>
  );
}

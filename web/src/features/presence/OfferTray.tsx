import { useEffect, useRef, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { ApiError } from '@/api/errors';
import type { Offer } from '@/api/types';
import { useRegisterCommands } from '@/lib/hotkeys';
import { useServerNow } from '@/lib/use-now';
import { changeLive, putSession, useLive } from '@/live';
import { announce, Avatar, Button, notify } from '@/ui';
import { acceptOffer, declineOffer } from './api';
import css from './presence.module.css';

const CIRCUMFERENCE = 2 * Math.PI * 17;
/** So many cards have room; the others are counted. */
const SHOWN = 3;

function forget(offerId: string): void {
  changeLive((data) => {
    const { [offerId]: _, ...offers } = data.offers;
    return { ...data, offers };
  });
}

/** The server may not have heard it, so the offer still stands; any other refusal says that it does not. */
const stillStands = (error: unknown) =>
  error instanceof ApiError && (error.retryable || error.status >= 500);

/** Conversations waiting for this agent's answer, the most urgent first, on every page. */
export function OfferTray({ onAccepted }: { onAccepted: (sessionId: string) => void }) {
  const offers = useLive(
    useShallow((state) =>
      Object.values(state.offers).sort((a, b) => a.expires_at.localeCompare(b.expires_at)),
    ),
  );
  const [busy, setBusy] = useState<string | null>(null);
  // Out of sight at once; back again when the server did not hear of it.
  const [declined, setDeclined] = useState<string[]>([]);
  const now = useServerNow(1000);
  // The server says when an offer has ended; the clock of this computer may be wrong.
  const shown = offers.filter((offer) => !declined.includes(offer.id));
  const first = shown[0];

  useEffect(() => {
    if (first !== undefined) {
      announce(`New conversation offered: ${first.session.customer.name}. Press A to accept.`);
    }
  }, [first]);

  // On their way already: neither a second press nor a second click accepts one again.
  const accepting = useRef(new Set<string>());
  const accept = async (offer: Offer) => {
    if (accepting.current.has(offer.id)) return;
    accepting.current.add(offer.id);
    setBusy(offer.id);
    try {
      const session = await acceptOffer(offer.id);
      changeLive((data) => putSession(data, session));
      forget(offer.id);
      onAccepted(offer.session_id);
    } catch (error) {
      notify.failure(error);
      if (!stillStands(error)) forget(offer.id);
    } finally {
      accepting.current.delete(offer.id);
      setBusy(null);
    }
  };
  const decline = async (offer: Offer) => {
    setDeclined((ids) => [...ids, offer.id]);
    try {
      await declineOffer(offer.id);
      forget(offer.id);
    } catch (error) {
      notify.failure(error);
      if (!stillStands(error)) forget(offer.id);
    } finally {
      setDeclined((ids) => ids.filter((id) => id !== offer.id));
    }
  };

  useRegisterCommands(
    first === undefined
      ? []
      : [
          {
            id: 'offer.accept',
            label: `Accept ${first.session.customer.name}`,
            group: 'Offers',
            keys: 'a',
            run: () => void accept(first),
          },
          {
            id: 'offer.decline',
            label: `Decline ${first.session.customer.name}`,
            group: 'Offers',
            keys: 'd',
            run: () => void decline(first),
          },
        ],
  );

  if (shown.length === 0) return null;
  return (
    <section className={css.tray} aria-label="Offered conversations">
      {shown.slice(0, SHOWN).map((offer) => (
        <OfferCard
          key={offer.id}
          offer={offer}
          now={now}
          busy={busy === offer.id ? 'yes' : 'no'}
          onAccept={() => void accept(offer)}
          onDecline={() => void decline(offer)}
        />
      ))}
      {shown.length > SHOWN && (
        <p className={css.more} data-testid="offers-more">
          {shown.length - SHOWN === 1
            ? '1 more offer comes after these.'
            : `${shown.length - SHOWN} more offers come after these.`}
        </p>
      )}
    </section>
  );
}

interface OfferCardProps {
  offer: Offer;
  now: number;
  busy: 'yes' | 'no';
  onAccept: () => void;
  onDecline: () => void;
}

function OfferCard({ offer, now, busy, onAccept, onDecline }: OfferCardProps) {
  const queues = useLive((state) => state.queues);
  const queue = queues.find((each) => each.id === offer.queue_id)?.name;
  const total = Math.max(1, (Date.parse(offer.expires_at) - Date.parse(offer.offered_at)) / 1000);
  const counted = Math.ceil((Date.parse(offer.expires_at) - now) / 1000);
  const left = Math.min(Math.ceil(total), Math.max(0, counted));
  const { customer, campaign, last_message, gathered } = offer.session;
  const topic = gathered.find((each) => each.name !== 'name')?.value;
  const about = [topic, last_message?.text].filter(Boolean).join(' · ');
  return (
    <article className={css.offer} data-testid="offer-card">
      <div className={css.offerHead}>
        <Avatar name={customer.name} size={36} />
        <div className={css.offerWho}>
          <div className={css.offerName}>{customer.name}</div>
          <div className={css.offerMeta}>{[queue, campaign?.name].filter(Boolean).join(' · ')}</div>
        </div>
        <div className={css.ring} data-late={left <= 5 ? 'yes' : 'no'}>
          <svg width="38" height="38" viewBox="0 0 38 38" aria-hidden="true">
            <circle cx="19" cy="19" r="17" />
            <circle
              cx="19"
              cy="19"
              r="17"
              strokeDasharray={CIRCUMFERENCE}
              strokeDashoffset={CIRCUMFERENCE * (1 - Math.min(1, left / total))}
            />
          </svg>
          <span aria-label={`${left} seconds left`} role="timer">
            {left}
          </span>
        </div>
      </div>
      {about !== '' && <p className={css.offerText}>{about}</p>}
      <div className={css.offerActions}>
        <Button emphasis="secondary" onClick={onDecline} data-testid="offer-decline">
          Decline
        </Button>
        <Button onClick={onAccept} loading={busy === 'yes'} data-testid="offer-accept">
          Accept
        </Button>
      </div>
    </article>
  );
}

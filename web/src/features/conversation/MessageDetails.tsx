import { IconMapPin } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Message, MessageDetails as Details } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import css from './log.module.css';

/** Digits of a degree behind the point: about ten metres. */
const DIGITS = 4;

/** A map of the place, in a tab of its own: nothing is loaded from elsewhere while the conversation is read. */
function mapAddress({ latitude, longitude }: NonNullable<Details['place']>): string {
  return `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
}

function Place({ place }: { place: NonNullable<Details['place']> }) {
  const where = `${place.latitude.toFixed(DIGITS)}, ${place.longitude.toFixed(DIGITS)}`;
  return (
    <div className={css.card}>
      <p className={css.kind}>
        <IconMapPin size={14} aria-hidden="true" /> Location
      </p>
      {place.name !== null && <strong>{place.name}</strong>}
      {place.address !== null && <p>{place.address}</p>}
      <a href={mapAddress(place)} target="_blank" rel="noreferrer noopener">
        {where}
      </a>
    </div>
  );
}

function Card({ card }: { card: NonNullable<Details['cards']>[number] }) {
  const lines = [card.organisation, ...card.phones, ...card.emails].filter((line) => line !== null);
  return (
    <div className={css.card}>
      <p className={css.kind}>{card.own ? 'The customer’s own card' : 'Contact card'}</p>
      {card.name !== null && <strong>{card.name}</strong>}
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}

/** Money as people write it; a currency nobody knows stays as it came. */
function money(amount: number, currency: string): string {
  try {
    return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
}

function Order({ order }: { order: NonNullable<Details['order']> }) {
  const currencies = new Set(order.map((line) => line.currency ?? ''));
  const [currency] = currencies;
  const isPriced = order.every((line) => line.price !== null) && currencies.size === 1;
  const total = order.reduce((sum, line) => sum + (line.price ?? 0) * line.quantity, 0);
  return (
    <div className={css.card}>
      <p className={css.kind}>Order</p>
      <ul className={css.lines}>
        {order.map((line, index) => (
          <li key={index}>
            <span>
              {line.quantity} × {line.product}
            </span>
            {line.price !== null && <span>{money(line.price, line.currency ?? '')}</span>}
          </li>
        ))}
      </ul>
      {isPriced && currency !== undefined && currency !== '' && (
        <p>
          <strong>Total {money(total, currency)}</strong>
        </p>
      )}
    </div>
  );
}

function Form({ form }: { form: NonNullable<Details['form']> }) {
  return (
    <div className={css.card}>
      <p className={css.kind}>Form</p>
      <dl className={css.answers}>
        {form.map((answer, index) => (
          <div key={index}>
            {answer.field !== '' && <dt>{answer.field.replaceAll('_', ' ')}</dt>}
            <dd>{answer.answer}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function CameFrom({ source }: { source: NonNullable<Details['came_from']> }) {
  const words = source.kind === 'post' ? 'Came from a post' : 'Came from an advertisement';
  const safe = source.url !== null && /^https?:\/\//i.test(source.url) ? source.url : null;
  const title = source.headline ?? source.body ?? safe;
  return (
    <p className={css.kind}>
      {words}
      {title !== null && ': '}
      {safe === null ? (
        title
      ) : (
        <a href={safe} target="_blank" rel="noreferrer noopener">
          {title}
        </a>
      )}
    </p>
  );
}

function Edited({ earlier }: { earlier: NonNullable<Details['earlier']> }) {
  if (earlier.length === 0) return <p className={css.kind}>Edited</p>;
  return (
    <details className={css.kind} data-testid="message-earlier">
      <summary>Edited</summary>
      <ol>
        {earlier.map((wording, index) => (
          <li key={index}>
            <time dateTime={wording.at}>{formatDateTime(wording.at)}</time>: {wording.text}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** What an entry says apart from its text. Gives nothing when the text is all. */
export function MessageDetails({ message }: { message: Message }): ReactNode {
  const details = message.details;
  if (details === null) return null;
  const { came_from = null, place = null, product = null, choice = null } = details;
  const { link = null, asks_for: asks = null, header = null, offers = null } = details;
  const { cards = [], order = [], form = [] } = details;
  return (
    <>
      {came_from !== null && <CameFrom source={came_from} />}
      {details.forwarded === true && <p className={css.kind}>Forwarded</p>}
      {details.deleted_at != null && (
        <p className={css.kind} data-testid="message-deleted">
          The customer deleted this {message.text === '' ? 'message' : 'message; it is kept here'}
        </p>
      )}
      {details.edited === true && <Edited earlier={details.earlier ?? []} />}
      {product !== null && <p className={css.kind}>About the product {product}</p>}
      {place !== null && <Place place={place} />}
      {cards.map((card, index) => (
        <Card key={index} card={card} />
      ))}
      {order.length > 0 && <Order order={order} />}
      {form.length > 0 && <Form form={form} />}
      {header !== null && <strong data-testid="message-header">{header}</strong>}
      {asks !== null && (
        <p className={css.kind}>
          {asks === 'phone' ? 'Asks for the phone number' : 'Asks for the location'}
        </p>
      )}
      {link !== null && (
        <p className={css.kind}>
          Button:{' '}
          {/^https?:\/\//i.test(link.url) ? (
            <a href={link.url} target="_blank" rel="noreferrer noopener">
              {link.label}
            </a>
          ) : (
            link.label
          )}
        </p>
      )}
      {offers !== null && (
        <p className={css.kind} data-testid="message-offers">
          Form “{offers.name.replaceAll('_', ' ')}”, button: {offers.label}
        </p>
      )}
      {choice !== null && choice.description !== null && (
        <p className={css.kind}>{choice.description}</p>
      )}
    </>
  );
}

/** Whether the details say all that the text says, so that it is not shown twice. */
export function detailsReplaceText(message: Message): boolean {
  const details = message.details;
  if (details === null) return false;
  const { place = null, cards = [], order = [], form = [] } = details;
  return (
    place !== null ||
    cards.length > 0 ||
    form.length > 0 ||
    // An order can come with words of the customer's.
    (order.length > 0 && message.text.startsWith('[Order]'))
  );
}

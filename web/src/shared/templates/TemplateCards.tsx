import { IconClock, IconPhotoOff, IconVideo } from '@tabler/icons-react';
import { useState } from 'react';
import type { MessageDetails } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import css from './cards.module.css';

interface Card {
  media_id: string | null;
  media_kind: string;
  text: string;
  buttons: string[];
}

/** The cards of a template, side by side as the customer swipes through them. */
export function TemplateCards({ cards }: { cards: Card[] }) {
  return (
    <ul
      className={css.cards}
      // Whoever has no wheel and no touch screen scrolls it with the arrow keys.
      tabIndex={0}
      aria-label={`${cards.length} cards`}
      data-testid="template-cards"
    >
      {cards.map((card, index) => (
        <li key={index} className={css.card}>
          <CardFile card={card} number={index + 1} />
          {card.text !== '' && <p>{card.text}</p>}
          {card.buttons.length > 0 && (
            <ul className={css.taps} aria-label={`Buttons of card ${index + 1}`}>
              {card.buttons.map((button) => (
                <li key={button}>{button}</li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

function CardFile({ card, number }: { card: Card; number: number }) {
  const [gone, setGone] = useState<string | null>(null);
  if (card.media_kind === 'video') {
    return (
      <div className={css.file}>
        <IconVideo size={24} aria-hidden="true" />
        <span>Video</span>
      </div>
    );
  }
  if (card.media_id === null || gone === card.media_id) {
    return (
      <div className={css.file}>
        <IconPhotoOff size={24} aria-hidden="true" />
        <span>{card.media_id === null ? 'No picture yet' : 'The picture is not kept here'}</span>
      </div>
    );
  }
  const id = card.media_id;
  return (
    <img
      src={`/api/v1/media/${id}`}
      alt={`Picture on card ${number}`}
      loading="lazy"
      onError={() => setGone(id)}
    />
  );
}

/** An offer for a time, with its code and its end. */
export function TemplateOffer({ offer }: { offer: NonNullable<MessageDetails['offer']> }) {
  const { text, code = null, ends_at: endsAt = null } = offer;
  return (
    <div className={css.offer} data-testid="message-offer">
      <IconClock size={18} aria-hidden="true" />
      <div>
        <strong>{text}</strong>
        {code !== null && <p>Code {code}</p>}
        {endsAt !== null && (
          <p>
            Ends <time dateTime={endsAt}>{formatDateTime(endsAt)}</time>
          </p>
        )}
      </div>
    </div>
  );
}

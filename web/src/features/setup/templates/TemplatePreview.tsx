import { IconClock, IconFile, IconMapPin, IconPhoto, IconVideo } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { TemplateCard, TemplateHeader, TemplateParts } from '@/api/template-types';
import css from './templates.module.css';
import { buttonLabel, filled } from './words';

/** `*bold*`, `_italic_`, `~struck~` and code as WhatsApp writes them. */
export function formatted(text: string): ReactNode[] {
  return text.split(/(\*[^*\n]+\*|_[^_\n]+_|~[^~\n]+~|```[^`]+```)/g).map((piece, index) => {
    const inner = piece.slice(1, -1);
    if (/^\*[^*\n]+\*$/.test(piece)) return <strong key={index}>{inner}</strong>;
    if (/^_[^_\n]+_$/.test(piece)) return <em key={index}>{inner}</em>;
    if (/^~[^~\n]+~$/.test(piece)) return <s key={index}>{inner}</s>;
    if (/^```[^`]+```$/.test(piece)) return <code key={index}>{piece.slice(3, -3)}</code>;
    return piece;
  });
}

const ICONS = { image: IconPhoto, video: IconVideo, document: IconFile, location: IconMapPin };

function Header({
  header,
  alt = 'Example of the header',
}: {
  header: TemplateHeader;
  alt?: string;
}) {
  if (header.format === 'text') {
    return <p className={css.heading}>{filled(header.text, [header.sample ?? ''])}</p>;
  }
  const Icon = ICONS[header.format];
  const media = header.format === 'location' ? null : header.media_id;
  return header.format === 'image' && typeof media === 'string' ? (
    <img className={css.picture} src={`/api/v1/media/${media}`} alt={alt} />
  ) : (
    <div className={css.media}>
      <Icon size={30} aria-hidden="true" />
      <span>{header.format}</span>
    </div>
  );
}

function Cards({ cards }: { cards: TemplateCard[] }) {
  return (
    <ul
      className={css.cards}
      // Whoever has no wheel and no touch screen scrolls it with the arrow keys.
      tabIndex={0}
      aria-label="Cards to swipe through"
      data-testid="template-preview-cards"
    >
      {cards.map((card, index) => (
        <li key={index} className={css.swipe}>
          <Header header={card.header} alt={`Picture on card ${index + 1}`} />
          {card.body !== '' && (
            <p className={css.text}>{formatted(filled(card.body, card.samples))}</p>
          )}
          <ul className={css.taps}>
            {card.buttons.map((button, at) => (
              <li key={at}>{buttonLabel(button) || '…'}</li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

/** The template as a customer sees it, with its examples in place of the variables. */
export function TemplatePreview({ parts }: { parts: TemplateParts }) {
  const isCode = parts.category === 'authentication';
  const body = isCode
    ? `*123456* is your verification code.${parts.code?.security_advice === true ? ' For your security, do not share this code.' : ''}`
    : filled(parts.body, parts.samples);
  const minutes = parts.code?.expires_in_minutes ?? null;
  const footer = isCode
    ? minutes === null
      ? null
      : `This code expires in ${minutes} minutes.`
    : parts.footer;
  return (
    <section className={css.chat} aria-label="Preview" data-testid="template-preview">
      <div className={css.bubble}>
        {parts.header !== null && <Header header={parts.header} />}
        {parts.offer !== null && (
          <div className={css.offer}>
            <IconClock size={20} aria-hidden="true" />
            <div>
              <strong>{parts.offer.text === '' ? 'What is offered' : parts.offer.text}</strong>
              {parts.offer.expires && <small>Ends in 2 days</small>}
            </div>
          </div>
        )}
        <p className={css.text}>
          {body === '' ? <span className={css.hint}>The text appears here.</span> : formatted(body)}
        </p>
        {footer !== null && footer !== '' && <small>{footer}</small>}
      </div>
      {parts.cards.length > 0 && <Cards cards={parts.cards} />}
      {parts.buttons.length > 0 && (
        <ul className={css.taps}>
          {parts.buttons.slice(0, parts.buttons.length > 3 ? 2 : 3).map((button, index) => (
            <li key={index}>{buttonLabel(button) || '…'}</li>
          ))}
          {parts.buttons.length > 3 && <li>See all options</li>}
        </ul>
      )}
    </section>
  );
}

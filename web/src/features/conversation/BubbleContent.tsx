import type { ReactNode } from 'react';
import type { Message } from '@/api/types';
import { TemplateCards, TemplateOffer } from '@/shared/templates';
import css from './log.module.css';
import { MediaPart } from './MediaPart';
import { detailsReplaceText, MessageDetails } from './MessageDetails';
import { NoteText } from './NoteText';

const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)])/g;

/** Text with its links made clickable; everything else is shown as it was written. */
export function RichText({ text }: { text: string }) {
  const parts: ReactNode[] = text.split(LINK).map((part, index) =>
    index % 2 === 1 ? (
      <a key={index} href={part} target="_blank" rel="noreferrer noopener">
        {part}
      </a>
    ) : (
      part
    ),
  );
  return (
    <p className={css.text} dir="auto">
      {parts}
    </p>
  );
}

/** One line above what has neither words nor a card of its own. */
function label(message: Message): string | null {
  if (message.kind === 'reaction') return message.text === '' ? 'Took a reaction back' : 'Reacted';
  if (message.kind === 'unsupported') return 'Cannot be shown here';
  if (message.details !== null) return null;
  if (message.kind === 'location') return 'Location';
  if (message.kind === 'contacts') return 'Contact card';
  return message.kind === 'order' ? 'Order' : null;
}

interface ContentProps {
  message: Message;
  onView?: ((id: string) => void) | undefined;
}

export function BubbleContent({ message, onView }: ContentProps) {
  const heading = label(message);
  return (
    <>
      {message.media !== null && (
        <MediaPart message={message} media={message.media} onView={onView} />
      )}
      {heading !== null && <p className={css.kind}>{heading}</p>}
      <MessageDetails message={message} />
      {message.details?.offer != null && <TemplateOffer offer={message.details.offer} />}
      {message.text !== '' &&
        !detailsReplaceText(message) &&
        (message.mentions.length > 0 ? (
          <NoteText text={message.text} mentions={message.mentions} />
        ) : (
          <RichText text={message.text} />
        ))}
      {message.details?.template_cards !== undefined &&
        message.details.template_cards.length > 0 && (
          <TemplateCards cards={message.details.template_cards} />
        )}
      {message.details?.footer != null && <p className={css.kind}>{message.details.footer}</p>}
      {message.buttons.length > 0 && (
        <ul className={css.buttons} aria-label="Answers offered to the customer">
          {message.buttons.map((button) => (
            <li key={button.id}>{button.title}</li>
          ))}
        </ul>
      )}
      {message.sections.length > 0 && (
        <ul className={css.buttons} aria-label="Choices offered to the customer">
          {message.sections
            .flatMap((section) => section.rows)
            .map((row) => (
              <li key={row.id}>{row.title}</li>
            ))}
        </ul>
      )}
    </>
  );
}

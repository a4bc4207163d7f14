import { IconFile, IconMapPin, IconPlayerPlay, IconVideo } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Message } from '@/api/types';
import css from './log.module.css';

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
  return <p className={css.text}>{parts}</p>;
}

function Media({ message, media }: { message: Message; media: NonNullable<Message['media']> }) {
  if (message.kind === 'image' || message.kind === 'sticker') {
    return (
      <a className={css.image} href={media.url} target="_blank" rel="noreferrer noopener">
        <img src={media.url} alt={message.text === '' ? 'Picture' : message.text} loading="lazy" />
      </a>
    );
  }
  const icon = { audio: <IconPlayerPlay size={18} />, video: <IconVideo size={18} /> }[
    message.kind as 'audio' | 'video'
  ] ?? <IconFile size={18} />;
  const words = { audio: 'Voice message', video: 'Video', document: 'Document' };
  return (
    <a className={css.file} href={media.url} target="_blank" rel="noreferrer noopener" download>
      {icon}
      <span>{media.file_name ?? words[message.kind as keyof typeof words] ?? 'File'}</span>
    </a>
  );
}

const LABELS: Partial<Record<Message['kind'], string>> = {
  location: 'Location',
  contacts: 'Contact card',
  reaction: 'Reaction',
  order: 'Order',
  unsupported: 'This kind of message cannot be shown here. The customer sees it in WhatsApp.',
};

export function BubbleContent({ message }: { message: Message }) {
  const label = LABELS[message.kind];
  return (
    <>
      {message.media !== null && <Media message={message} media={message.media} />}
      {label !== undefined && (
        <p className={css.kind}>
          {message.kind === 'location' && <IconMapPin size={14} aria-hidden="true" />} {label}
        </p>
      )}
      {message.text !== '' && <RichText text={message.text} />}
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

import { IconMoodSmile } from '@tabler/icons-react';
import { memo } from 'react';
import type { Message } from '@/api/types';
import { formatTime } from '@/lib/time';
import { discard, retry } from '@/live';
import { ActionMenu } from '@/ui';
import { BubbleContent } from './BubbleContent';
import css from './log.module.css';
import { Ticks } from './Ticks';

interface BubbleProps {
  message: Message;
  /** Text of the message this one answers, when it is known. */
  quoted: string | null;
  /** First of a run of messages by the same author: shows who it is. */
  lead: 'yes' | 'no';
  /** Who reads this: own messages need no name. */
  ownName: string | undefined;
  /** It was looked for. */
  mark?: 'found' | undefined;
  /** Opens the hops of the message. */
  onFlight?: (message: Message) => void;
  /** Opens the picture of a message. */
  onView?: (id: string) => void;
  /** Reacts to a message of the customer; missing when that is not possible now. */
  onReact?: ((message: Message, emoji: string) => void) | undefined;
}

function authorName(message: Message, ownName: string | undefined): string | null {
  if (message.kind === 'note') return `Note by ${message.author.name ?? 'a colleague'}`;
  if (message.details?.written_in_app === true) return 'WhatsApp Business app';
  if (message.author.kind === 'bot') return message.author.name ?? 'Bot';
  if (message.author.kind === 'agent' && message.author.name !== ownName)
    return message.author.name;
  return null;
}

const REACTIONS = [
  ['👍', 'Thumbs up'],
  ['❤️', 'Heart'],
  ['😂', 'Laughing'],
  ['😮', 'Astonished'],
  ['🙏', 'Thank you'],
] as const;

/** One message. Plain elements, memoised: a conversation renders only what changed. */
export const Bubble = memo(function Bubble(props: BubbleProps) {
  const { message, quoted, lead, ownName, mark, onFlight, onView, onReact } = props;
  if (message.kind === 'system' || (message.direction === 'system' && message.kind !== 'note')) {
    return (
      <li className={css.system} data-testid="message-bubble" data-direction="system">
        <span>{message.text}</span>
        <time dateTime={message.at}>{formatTime(message.at)}</time>
      </li>
    );
  }
  const name = lead === 'yes' ? authorName(message, ownName) : null;
  return (
    <li
      className={css.message}
      data-testid="message-bubble"
      data-message-id={message.id}
      data-direction={message.direction}
      data-kind={message.kind}
      data-author={message.author.kind}
      data-state={message.state ?? undefined}
      data-lead={lead}
      data-mark={mark}
    >
      <div className={css.bubble}>
        {name !== null && <div className={css.author}>{name}</div>}
        {quoted !== null && <blockquote className={css.quote}>{quoted}</blockquote>}
        <BubbleContent message={message} onView={onView} />
        <div className={css.meta}>
          {message.kind === 'template' && <span>Template</span>}
          {onFlight === undefined || message.id.startsWith('local:') ? (
            <time dateTime={message.at}>{formatTime(message.at)}</time>
          ) : (
            <button
              type="button"
              className={css.timeButton}
              onClick={() => onFlight(message)}
              title="What became of this message"
              data-testid="message-flight"
            >
              <span className="sr-only">What became of this message, </span>
              <time dateTime={message.at}>{formatTime(message.at)}</time>
            </button>
          )}
          {message.direction === 'outbound' && message.state !== null && (
            <Ticks state={message.state} />
          )}
          {onReact !== undefined &&
            message.direction === 'inbound' &&
            message.kind !== 'reaction' && (
              <ActionMenu
                label={`React to: ${message.text === '' ? 'this message' : message.text.slice(0, 60)}`}
                trigger={<IconMoodSmile size={15} aria-hidden="true" />}
                triggerClass={css.react ?? ''}
                triggerTestId="react"
                entries={[
                  ...REACTIONS.map(([emoji, name]) => ({
                    id: name,
                    label: `${emoji} ${name}`,
                    onSelect: () => onReact(message, emoji),
                    testId: `react-${name.toLowerCase().replaceAll(' ', '-')}`,
                  })),
                  {
                    id: 'none',
                    label: 'Take the reaction back',
                    onSelect: () => onReact(message, ''),
                  },
                ]}
              />
            )}
        </div>
      </div>
      {message.state === 'failed' && <FailureNote message={message} />}
      {message.state === 'unknown' && (
        <p className={css.uncertain}>
          The channel did not say whether this arrived. It is not sent again by itself; ask the
          customer before you repeat it.
        </p>
      )}
    </li>
  );
});

function FailureNote({ message }: { message: Message }) {
  const local = message.id.startsWith('local:');
  return (
    <div className={css.failure} role="alert">
      <p>
        <strong>{message.error?.reason ?? 'Not sent'}</strong>
        {message.error !== null && message.error.advice !== '' && <> {message.error.advice}</>}
        {message.error !== null && <span className={css.code}> ({message.error.code})</span>}
      </p>
      {local && (
        <p className={css.failureActions}>
          <button type="button" onClick={() => retry(message)}>
            {message.error?.code === 'newer_reply' ? 'Send anyway' : 'Try again'}
          </button>
          <button type="button" onClick={() => discard(message)}>
            Remove
          </button>
        </p>
      )}
    </div>
  );
}

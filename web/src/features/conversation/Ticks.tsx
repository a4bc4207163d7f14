import type { MessageState } from '@/api/types';
import css from './log.module.css';

const WORDS: Record<MessageState, string> = {
  pending: 'Waiting to be sent',
  sending: 'Being sent',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  played: 'Listened to',
  failed: 'Not sent',
  unknown: 'Outcome unknown',
};

const PATHS: Record<MessageState, string[]> = {
  pending: ['M8 4.5V8l2.3 1.4', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2'],
  sending: ['M8 4.5V8l2.3 1.4', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2'],
  sent: ['M3.5 8.5l3 3 6-7'],
  delivered: ['M1 8.5l3 3 6-7', 'M7.2 10.6l.9.9 6-7'],
  read: ['M1 8.5l3 3 6-7', 'M7.2 10.6l.9.9 6-7'],
  played: ['M5.5 4.2v7.6l6-3.8z', 'M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6'],
  failed: ['M8 4.5v4.2', 'M8 11.2v.3', 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2'],
  unknown: [
    'M6.3 6.2a1.8 1.8 0 1 1 2.4 1.9c-.5.2-.7.5-.7 1.1',
    'M8 11.3v.2',
    'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2',
  ],
};

/** How far a message came: by shape and by word, never by colour alone. */
export function Ticks({ state }: { state: MessageState }) {
  return (
    <span className={css.ticks} data-state={state} title={WORDS[state]}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        {PATHS[state].map((path) => (
          <path key={path} d={path} />
        ))}
      </svg>
      <span className="sr-only">{WORDS[state]}</span>
    </span>
  );
}

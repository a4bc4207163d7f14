import { useState } from 'react';
import type { EarlierPart } from '@/api/identity-types';
import { formatDateTime } from '@/lib/time';
import { notify } from '@/ui';
import { fetchEarlier } from './api';
import { Bubble } from './Bubble';
import css from './log.module.css';

interface EarlierProps {
  sessionId: string;
  ownName: string | undefined;
}

/** What the same customer wrote before this conversation, session by session, as far back as one scrolls. */
export function Earlier({ sessionId, ownName }: EarlierProps) {
  const [parts, setParts] = useState<EarlierPart[]>([]);
  const [state, setState] = useState<'idle' | 'loading'>('idle');
  const cursor = parts[0] === undefined ? null : parts[0].next_cursor;
  const atBegin = parts.length > 0 && cursor === null;
  const load = async () => {
    setState('loading');
    try {
      const part = await fetchEarlier(sessionId, cursor);
      setParts((known) => [part, ...known]);
    } catch (error) {
      notify.failure(error);
    } finally {
      setState('idle');
    }
  };
  return (
    <>
      <li className={css.older}>
        {atBegin ? (
          <span>
            {parts.every((part) => part.session === null)
              ? 'The first conversation with this customer.'
              : 'The begin of all conversations with this customer.'}
          </span>
        ) : (
          <button
            type="button"
            onClick={() => void load()}
            disabled={state === 'loading'}
            data-testid="earlier-sessions"
          >
            {state === 'loading' ? 'Loading…' : 'Show earlier conversations'}
          </button>
        )}
      </li>
      {parts.map((part, index) => (
        <Part key={index} part={part} before={parts[index - 1]} ownName={ownName} />
      ))}
    </>
  );
}

function Part({
  part,
  before,
  ownName,
}: {
  part: EarlierPart;
  before: EarlierPart | undefined;
  ownName: string | undefined;
}) {
  const { session } = part;
  if (session === null) return null;
  const texts = new Map(part.data.map((each) => [each.id, each.text]));
  return (
    <>
      {before?.session?.id !== session.id && (
        <li className={css.day} data-testid="earlier-session">
          <span>
            Conversation of {formatDateTime(session.started_at)}
            {session.agent !== null && ` · ${session.agent.name}`}
          </span>
        </li>
      )}
      {part.data.map((message) => (
        <Bubble
          key={message.id}
          message={message}
          ownName={ownName}
          quoted={message.reply_to === null ? null : (texts.get(message.reply_to) ?? null)}
          lead="yes"
        />
      ))}
    </>
  );
}

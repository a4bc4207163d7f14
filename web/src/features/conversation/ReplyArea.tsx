import { useState } from 'react';
import type { DraftMode } from '@/lib/drafts';
import { windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { Button, Notice } from '@/ui';
import { Composer } from './Composer';
import css from './composer.module.css';
import { KeepReply } from './KeepReply';
import { TemplatePicker } from './TemplatePicker';

interface ReplyAreaProps {
  sessionId: string;
  owner: 'me' | 'other' | 'nobody';
  expiresAt: string | null;
  agentName: string | null;
  bot: 'active' | 'silent';
  templates: 'open' | 'closed';
  onTakeOver: () => void;
  onTemplates: (next: 'open' | 'closed') => void;
}

/** The composer, or what stands in its place while a reply is not allowed. */
export function ReplyArea(props: ReplyAreaProps) {
  const { sessionId, owner } = props;
  const now = useServerNow(1000);
  const closed = windowCountdown(props.expiresAt, now).state === 'closed';
  // The customer's answer must not take away what is being filled in, nor the cursor.
  const [filling, setFilling] = useState(false);
  const [keeping, setKeeping] = useState<DraftMode | null>(null);
  if (owner !== 'me') {
    const who =
      owner === 'other'
        ? `${props.agentName ?? 'Another agent'} handles this conversation.`
        : props.bot === 'active'
          ? 'The bot is talking with this customer.'
          : 'No agent has this conversation yet.';
    return (
      <>
        <div className={css.bar}>
          <span>{who} Take it over to reply, or leave a note.</span>
          <Button size="xs" onClick={props.onTakeOver}>
            Take over
          </Button>
        </div>
        <Composer sessionId={sessionId} modes={['note']} />
      </>
    );
  }
  // The cursor that was in the reply that waits, or in the note beside it, goes on in the composer, once.
  const composer = (
    <div onBlur={() => setKeeping(null)}>
      <Composer
        sessionId={sessionId}
        modes={['reply', 'note']}
        startsFocused={keeping !== null}
        startsIn={keeping ?? 'reply'}
        onTemplates={() => props.onTemplates('open')}
      />
    </div>
  );
  if (closed || filling || props.templates === 'open') {
    const close = () => {
      setFilling(false);
      props.onTemplates('closed');
    };
    const keep = (
      <>
        <div onFocus={() => setKeeping('reply')} onBlur={() => setKeeping(null)}>
          <KeepReply sessionId={sessionId} />
        </div>
        <div onFocus={() => setKeeping('note')} onBlur={() => setKeeping(null)}>
          <Composer sessionId={sessionId} modes={['note']} />
        </div>
      </>
    );
    return (
      <>
        <TemplatePicker
          sessionId={sessionId}
          role={closed ? 'instead' : 'extra'}
          onFilling={setFilling}
          {...(closed ? {} : { onClose: close })}
        />
        {closed ? keep : props.templates === 'closed' && composer}
      </>
    );
  }
  return (
    <>
      {props.bot === 'active' && (
        <div className={css.bar}>
          <Notice tone="info">The bot is still active here. It stops as soon as you reply.</Notice>
        </div>
      )}
      {composer}
    </>
  );
}

import { useState } from 'react';
import type { Session } from '@/api/types';
import { windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { send, useLive } from '@/live';
import { Button, notify } from '@/ui';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';

const QUESTION = 'May we have your phone number? Tap the button to share it with us.';

/** For a customer who shows a user name alone: asks for the number, which is kept when it comes back. */
export function PhoneSection({ session }: { session: Session }) {
  const me = useLive((state) => state.user?.id);
  const now = useServerNow(30_000);
  const [asked, setAsked] = useState(false);
  if (session.customer.phone !== null || session.state === 'ended') return null;
  const closed = windowCountdown(session.window_expires_at, now).state === 'closed';
  const mine = session.agent !== null && session.agent.id === me;
  const why = !mine
    ? 'Take the conversation over to ask for it.'
    : closed
      ? 'It can be asked for when the customer writes again.'
      : 'WhatsApp shows a button; what the customer shares is kept here.';
  const ask = () => {
    send({
      sessionId: session.id,
      content: { kind: 'request_contact', text: QUESTION },
      text: QUESTION,
    });
    setAsked(true);
    notify.done('Asked for the phone number');
  };
  return (
    <PanelSection title="No phone number" testId="panel-no-phone">
      <p className={css.small}>The customer shows a user name alone. {why}</p>
      <Button
        emphasis="secondary"
        size="xs"
        disabled={!mine || closed || asked}
        onClick={ask}
        data-testid="ask-phone"
      >
        {asked ? 'Asked' : 'Ask for the phone number'}
      </Button>
    </PanelSection>
  );
}

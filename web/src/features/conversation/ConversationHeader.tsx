import {
  IconArrowLeft,
  IconArrowsExchange,
  IconCircleCheck,
  IconDownload,
  IconLayoutSidebarRight,
  IconUserCheck,
} from '@tabler/icons-react';
import { memo } from 'react';
import type { Session } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { Avatar, Button, IconButton } from '@/ui';
import css from './pane.module.css';

export function WindowCountdown({ expiresAt }: { expiresAt: string | null }) {
  const now = useServerNow(1000);
  const left = windowCountdown(expiresAt, now);
  return (
    <span
      className={css.countdown}
      data-testid="window-countdown"
      data-state={left.state}
      title="How long free text may be sent: 24 hours from the customer’s last message"
    >
      <i aria-hidden="true" />
      <span className="sr-only">Reply window: </span>
      {left.state === 'closed' ? left.text : `${left.text} left`}
    </span>
  );
}

/** The customer came by an advertisement and was answered: WhatsApp charges nothing for a while. */
function FreeEntry({ until }: { until: string }) {
  const now = useServerNow(60_000);
  const left = windowCountdown(until, now);
  if (left.state === 'closed') return null;
  return (
    <span
      data-testid="free-entry"
      title="The customer came by an advertisement: messages are free of charge until then"
    >
      Free of charge {left.short}
    </span>
  );
}

interface HeaderProps {
  session: Session;
  owner: 'me' | 'other' | 'nobody';
  onBack: () => void;
  onPanel: () => void;
  onTakeOver: () => void;
  onTransfer: () => void;
  onEnd: () => void;
  onExport: () => void;
}

export const ConversationHeader = memo(function ConversationHeader(props: HeaderProps) {
  const { session, owner } = props;
  const { customer } = session;
  const ended = session.state === 'ended';
  return (
    <header className={css.header}>
      <span className={css.back}>
        <IconButton label="Back to the list" onClick={props.onBack}>
          <IconArrowLeft size={19} />
        </IconButton>
      </span>
      <Avatar name={customer.name} size={36} />
      <div className={css.who}>
        <h1 className={css.name}>{customer.name}</h1>
        <div className={css.sub}>
          {customer.phone !== null && customer.name !== customer.phone && (
            <span className={css.phone}>{formatPhone(customer.phone)}</span>
          )}
          {!ended && <WindowCountdown expiresAt={session.window_expires_at} />}
          {!ended && session.free_entry_until !== null && (
            <FreeEntry until={session.free_entry_until} />
          )}
        </div>
      </div>
      <div className={css.actions}>
        {!ended && owner !== 'me' && (
          <Button
            emphasis="secondary"
            leftSection={<IconUserCheck size={16} />}
            onClick={props.onTakeOver}
            data-testid="take-over"
          >
            Take over
          </Button>
        )}
        {!ended && (
          <IconButton label="Transfer" keys="x" onClick={props.onTransfer} data-testid="transfer">
            <IconArrowsExchange size={19} />
          </IconButton>
        )}
        {!ended && (
          <Button
            emphasis="secondary"
            className={css.end ?? ''}
            leftSection={<IconCircleCheck size={17} />}
            onClick={props.onEnd}
            aria-label="End conversation"
            data-testid="end-session"
          >
            <span className={css.endLabel}>End</span>
          </Button>
        )}
        <IconButton
          label="Take a transcript out"
          onClick={props.onExport}
          data-testid="export-transcript"
        >
          <IconDownload size={19} />
        </IconButton>
        <IconButton
          label="Customer details"
          keys="]"
          onClick={props.onPanel}
          data-testid="toggle-panel"
        >
          <IconLayoutSidebarRight size={19} />
        </IconButton>
      </div>
    </header>
  );
});

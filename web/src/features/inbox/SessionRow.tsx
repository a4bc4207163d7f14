import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { Session } from '@/api/types';
import { draftKey, useDrafts } from '@/lib/drafts';
import { formatWhen, windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { useLive } from '@/live';
import { Avatar } from '@/ui';
import css from './inbox.module.css';

/** One conversation of the list. Plain elements only: thousands of these scroll past. */
export const SessionRow = memo(function SessionRow({ id }: { id: string }) {
  const session = useLive((state) => state.sessions[id]);
  const own = useLive((state) => state.sessions[id]?.agent?.id === state.user?.id);
  const hasDraft = useDrafts((state) => draftKey(id, 'reply') in state.drafts);
  const now = useServerNow(15_000);
  if (session === undefined) return null;
  const { customer, last_message, unread_count } = session;
  return (
    <Link
      to="/inbox/$sessionId"
      params={{ sessionId: id }}
      className={css.row}
      data-testid="session-row"
      data-session-id={id}
      data-unread={unread_count > 0 ? 'yes' : 'no'}
    >
      <Avatar name={customer.name} />
      <span className={css.rowBody}>
        <span className={css.rowLine}>
          <span className={css.name}>{customer.name}</span>
          {last_message !== null && (
            <time className={css.when} dateTime={last_message.at}>
              {formatWhen(last_message.at, now)}
            </time>
          )}
        </span>
        <span className={css.rowLine}>
          <span className={css.preview}>
            {session.pending_count > 0 && (
              <span className={css.draft}>{session.pending_count} waiting · </span>
            )}
            {hasDraft && <span className={css.draft}>Draft · </span>}
            {last_message === null ? 'No message yet' : previewText(last_message)}
          </span>
          {unread_count > 0 && (
            <span className={css.unread} aria-label={`${unread_count} unread`}>
              {unread_count > 99 ? '99+' : unread_count}
            </span>
          )}
        </span>
        <span className={css.rowLine}>
          <WindowChip session={session} now={now} />
          <span className={css.origin}>{origin(session, own ? 'own' : 'other')}</span>
        </span>
      </span>
    </Link>
  );
});

function previewText(last: NonNullable<Session['last_message']>): string {
  return last.direction === 'outbound' ? `You: ${last.text}` : last.text;
}

function origin(session: Session, whose: 'own' | 'other'): string {
  const handler = session.bot_active
    ? 'Bot'
    : whose === 'other' && session.agent !== null
      ? session.agent.name
      : null;
  return [handler, session.campaign?.name].filter(Boolean).join(' · ');
}

function WindowChip({ session, now }: { session: Session; now: number }) {
  if (session.state === 'ended') return <span className={css.window}>Ended</span>;
  const left = windowCountdown(session.window_expires_at, now);
  return (
    <span className={css.window} data-state={left.state}>
      <span className="sr-only">Reply window: </span>
      {left.state === 'closed' ? 'Window closed' : `${left.short} left`}
    </span>
  );
}

import { IconClockPause, IconPencil, IconSend2, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { PendingReply, Session } from '@/api/types';
import { formatDateTime, windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { Button, Failure, IconButton, notify, Row, TextArea } from '@/ui';
import { changePending, discardPending, fetchPending, sendPending } from './api';
import css from './pending.module.css';

/** Replies that are sent by themselves as soon as the customer answers. */
export function PendingReplies({ session, mayAct }: { session: Session; mayAct: boolean }) {
  const now = useServerNow(1000);
  const query = useQuery({
    queryKey: keys.pendingReplies(session.id, session.version),
    queryFn: ({ signal }) => fetchPending(session.id, signal),
    enabled: session.pending_count > 0,
    placeholderData: (before) => before,
  });
  if (session.pending_count === 0) return null;
  const open = windowCountdown(session.window_expires_at, now).state !== 'closed';
  const replies = query.data?.data ?? [];
  return (
    <section className={css.box} aria-label="Replies that wait" data-testid="pending-replies">
      <p className={css.title}>
        <IconClockPause size={16} aria-hidden="true" />
        {session.pending_count === 1 ? 'One reply waits' : `${session.pending_count} replies wait`}
        <span>
          {open
            ? 'The window is open: they can be sent.'
            : 'Sent by themselves, in this order, when the customer answers.'}
        </span>
      </p>
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      <ol className={css.list}>
        {replies.map((reply) => (
          <Waiting key={reply.id} reply={reply} mayAct={mayAct} open={open} />
        ))}
      </ol>
    </section>
  );
}

function Waiting({ reply, mayAct, open }: { reply: PendingReply; mayAct: boolean; open: boolean }) {
  const cache = useQueryClient();
  const [text, setText] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await work();
      setText(null);
    } catch (error) {
      notify.failure(error);
    }
    setBusy(false);
    await cache.invalidateQueries({ queryKey: keys.allPendingReplies(reply.session_id) });
  };
  return (
    <li className={css.item} data-testid="pending-reply">
      {text === null ? (
        <p className={css.text}>{reply.text === '' ? 'A picture' : reply.text}</p>
      ) : (
        <TextArea
          aria-label="Text of the waiting reply"
          rows={3}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-testid="pending-text"
        />
      )}
      <div className={css.foot}>
        <span>
          {reply.reason === 'refused' ? 'WhatsApp did not take it: the window had closed. ' : ''}
          {reply.author !== null && `${reply.author.name} · `}
          given up {formatDateTime(reply.expires_at)}
        </span>
        {mayAct && text === null && (
          <Row>
            {open && (
              <IconButton
                label="Send it now"
                disabled={busy}
                onClick={() => void act(() => sendPending(reply.id))}
                data-testid="pending-send"
              >
                <IconSend2 size={16} />
              </IconButton>
            )}
            <IconButton
              label="Change it"
              disabled={busy}
              onClick={() => setText(reply.text)}
              data-testid="pending-edit"
            >
              <IconPencil size={16} />
            </IconButton>
            <IconButton
              label="Discard it"
              disabled={busy}
              onClick={() => void act(() => discardPending(reply.id))}
              data-testid="pending-discard"
            >
              <IconTrash size={16} />
            </IconButton>
          </Row>
        )}
        {text !== null && (
          <Row>
            <Button size="xs" emphasis="quiet" onClick={() => setText(null)}>
              Cancel
            </Button>
            <Button
              size="xs"
              loading={busy}
              onClick={() => void act(() => changePending(reply.id, text, reply.version))}
              data-testid="pending-save"
            >
              Save
            </Button>
          </Row>
        )}
      </div>
    </li>
  );
}

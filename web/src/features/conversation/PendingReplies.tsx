import { IconClockPause, IconPencil, IconSend2, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { keys } from '@/api/query-keys';
import type { PendingReply, Session } from '@/api/types';
import { draftKey, readDraft, useDrafts, writeDraft } from '@/lib/drafts';
import { formatDateTime, windowCountdown } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { Button, Failure, IconButton, Notice, notify, Row, TextArea } from '@/ui';
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
  const replies = session.pending_count === 0 ? [] : (query.data?.data ?? []);
  const isCurrent = query.data !== undefined && !query.isPlaceholderData && !query.isFetching;
  const edits = useEdits(session.id);
  const left =
    session.pending_count === 0 || isCurrent
      ? edits.filter((id) => replies.every((reply) => reply.id !== id))
      : [];
  const leftBehind = left.length > 0 && (
    <LeftBehind sessionId={session.id} ids={left} mayAct={mayAct && session.state !== 'ended'} />
  );
  if (session.pending_count === 0) return leftBehind;
  const open = windowCountdown(session.window_expires_at, now).state !== 'closed';
  return (
    <>
      {leftBehind}
      <section className={css.box} aria-label="Replies that wait" data-testid="pending-replies">
        <p className={css.title}>
          <IconClockPause size={16} aria-hidden="true" />
          {session.pending_count === 1
            ? 'One reply waits'
            : `${session.pending_count} replies wait`}
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
    </>
  );
}

/** Replies of a conversation that were being changed, by their ids. */
function useEdits(sessionId: string): string[] {
  const prefix = draftKey(sessionId, 'pending.');
  return useDrafts(
    useShallow(({ drafts }) =>
      Object.keys(drafts).flatMap((key) =>
        key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
      ),
    ),
  );
}

interface LeftBehindProps {
  sessionId: string;
  ids: string[];
  mayAct: boolean;
}

/** Changes of replies that do not wait any more: the customer answered meanwhile. Nothing that was typed is lost. */
function LeftBehind({ sessionId, ids, mayAct }: LeftBehindProps) {
  const isFree = useDrafts(({ drafts }) => !(draftKey(sessionId, 'reply') in drafts));
  const [first = ''] = ids;
  const text = useDrafts(({ drafts }) => drafts[draftKey(sessionId, `pending.${first}`)] ?? '');
  const goesOver = mayAct && isFree;
  useEffect(() => {
    if (!goesOver || text === '') return;
    writeDraft(sessionId, 'reply', text);
    writeDraft(sessionId, `pending.${first}`, '');
    notify.info('The reply you were changing does not wait any more', MOVED);
  }, [goesOver, sessionId, first, text]);
  if (goesOver) return null;
  const drop = () => writeDraft(sessionId, `pending.${first}`, '');
  const append = () => {
    writeDraft(sessionId, 'reply', `${readDraft(sessionId, 'reply')}\n\n${text}`);
    drop();
  };
  return (
    <section className={css.box} aria-label="What you made of a reply" data-testid="pending-left">
      <Notice tone="info" title="The reply you were changing does not wait any more">
        It was sent as it was, or given up. This is what you had made of it:
      </Notice>
      <p className={css.text}>{text}</p>
      <Row>
        {mayAct && (
          <Button size="xs" emphasis="secondary" onClick={append} data-testid="pending-append">
            Add it to what is in the composer
          </Button>
        )}
        <Button size="xs" emphasis="quiet" onClick={drop} data-testid="pending-drop">
          Discard it
        </Button>
      </Row>
    </section>
  );
}

const MOVED = 'It was sent as it was, or given up. Your text is in the composer.';

function Waiting({ reply, mayAct, open }: { reply: PendingReply; mayAct: boolean; open: boolean }) {
  const cache = useQueryClient();
  const kept = `pending.${reply.id}` as const;
  // Also in the drafts: this is gone as soon as the customer answers, and what was typed is not.
  const [text, setText] = useState<string | null>(() => readDraft(reply.session_id, kept) || null);
  const change = (next: string) => {
    setText(next);
    writeDraft(reply.session_id, kept, next === reply.text ? '' : next);
  };
  const close = () => {
    setText(null);
    writeDraft(reply.session_id, kept, '');
  };
  const [busy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await work();
      close();
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
          onChange={(event) => change(event.currentTarget.value)}
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
            <Button size="xs" emphasis="quiet" onClick={close}>
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

import { IconClockPause, IconPencil, IconSend2, IconTrash } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type Ref } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { keys } from '@/api/query-keys';
import type { PendingReply, Session } from '@/api/types';
import { draftKey, readDraft, useDrafts, writeDraft } from '@/lib/drafts';
import { useCommands } from '@/lib/hotkeys';
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
  const isKnown = session.pending_count === 0 || isCurrent;
  const left = edits.find(
    (id) => shownBeside.has(id) || (isKnown && replies.every((reply) => reply.id !== id)),
  );
  const panel = useRef<HTMLElement>(null);
  const leftBehind = left !== undefined && (
    <LeftBehind
      key={left}
      ref={panel}
      sessionId={session.id}
      id={left}
      mayAct={mayAct && session.state !== 'ended'}
    />
  );
  // Who is typing in a reply that leaves types on: a field takes the cursor with it, and keys alone are commands.
  const typedIn = useRef<string | null>(null);
  useEffect(() => {
    const id = typedIn.current;
    if (id === null || replies.some((reply) => reply.id === id)) return;
    typedIn.current = null;
    // It went on somewhere else.
    if (document.activeElement !== document.body) return;
    if (panel.current === null) focusReply();
    else panel.current.focus();
  });
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
            <Waiting
              key={reply.id}
              reply={reply}
              mayAct={mayAct}
              open={open}
              onCursor={(is) => {
                typedIn.current = is === 'here' ? reply.id : null;
              }}
            />
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

/** What was made of a reply, and of which version of it. */
interface Edit {
  text: string;
  version: number;
}

function editIn(draft: string): Edit | null {
  if (draft === '') return null;
  try {
    const { text, version } = JSON.parse(draft) as Partial<Edit>;
    if (typeof text === 'string' && typeof version === 'number') return { text, version };
  } catch {
    // Kept as it was typed, before the version was kept with it.
  }
  return { text: draft, version: 0 };
}

/** Where a reply is written now: in the composer, or in the one that waits. */
function focusReply() {
  const field = document.querySelector<HTMLElement>('[data-reply-field]');
  if (field !== null) field.focus();
  else useCommands.getState().commands['composer.reply']?.run();
}

/** Replies that left while another one was written: what was made of them goes nowhere by itself any more. */
const shownBeside = new Set<string>();

interface LeftBehindProps {
  ref: Ref<HTMLElement>;
  sessionId: string;
  id: string;
  mayAct: boolean;
}

/** The change of a reply that does not wait any more: the customer answered meanwhile. Nothing that was typed is lost. */
function LeftBehind({ ref, sessionId, id, mayAct }: LeftBehindProps) {
  const text = useDrafts(
    ({ drafts }) => editIn(drafts[draftKey(sessionId, `pending.${id}`)] ?? '')?.text ?? '',
  );
  // Once, when it is first seen to be left: who sends something else and presses Enter again does not mean this text.
  const [goesOver] = useState(
    () => mayAct && !shownBeside.has(id) && readDraft(sessionId, 'reply') === '',
  );
  useEffect(() => {
    if (!goesOver) {
      shownBeside.add(id);
      return;
    }
    const edit = editIn(readDraft(sessionId, `pending.${id}`));
    if (edit === null) return;
    writeDraft(sessionId, 'reply', edit.text);
    writeDraft(sessionId, `pending.${id}`, '');
    notify.info('The reply you were changing does not wait any more', MOVED);
  }, [goesOver, sessionId, id]);
  if (goesOver) return null;
  const drop = () => {
    shownBeside.delete(id);
    writeDraft(sessionId, `pending.${id}`, '');
  };
  const append = () => {
    const before = readDraft(sessionId, 'reply');
    writeDraft(sessionId, 'reply', before === '' ? text : `${before}\n\n${text}`);
    drop();
  };
  return (
    <section
      ref={ref}
      className={css.box}
      aria-label="What you made of a reply"
      tabIndex={-1}
      // The rest of what is being typed is no command.
      onKeyDown={(event) => {
        if (event.target === event.currentTarget && event.key.length === 1) event.stopPropagation();
      }}
      data-testid="pending-left"
    >
      <Notice tone="info" title="The reply you were changing does not wait any more" live="status">
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

interface WaitingProps {
  reply: PendingReply;
  mayAct: boolean;
  open: boolean;
  /** Whether the cursor is in its text. */
  onCursor: (is: 'here' | 'elsewhere') => void;
}

function Waiting({ reply, mayAct, open, onCursor }: WaitingProps) {
  const cache = useQueryClient();
  const { session_id, id } = reply;
  // Also in the drafts: this is gone as soon as the customer answers, and what was typed is not.
  const [edit, setEdit] = useState(() => editIn(readDraft(session_id, `pending.${id}`)));
  const change = (next: Edit) => {
    setEdit(next);
    const isAsItWas = next.text === reply.text;
    writeDraft(session_id, `pending.${id}`, isAsItWas ? '' : JSON.stringify(next));
  };
  const close = () => {
    setEdit(null);
    writeDraft(session_id, `pending.${id}`, '');
  };
  const text = edit?.text ?? null;
  // It was saved, and the answer was lost.
  if (text === reply.text && readDraft(session_id, `pending.${id}`) !== '') setEdit(null);
  const isClosed = edit === null;
  useEffect(() => {
    if (isClosed && readDraft(session_id, `pending.${id}`) !== '') {
      writeDraft(session_id, `pending.${id}`, '');
    }
  }, [isClosed, session_id, id]);
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
    await cache.invalidateQueries({ queryKey: keys.allPendingReplies(session_id) });
  };
  return (
    <li className={css.item} data-testid="pending-reply">
      {edit === null ? (
        <p className={css.text}>{reply.text === '' ? 'A picture' : reply.text}</p>
      ) : (
        <TextArea
          aria-label="Text of the waiting reply"
          rows={3}
          value={edit.text}
          onChange={(event) => change({ ...edit, text: event.currentTarget.value })}
          onFocus={() => onCursor('here')}
          // Who only looks at another window has it there still.
          onBlur={(event) => {
            if (document.activeElement !== event.currentTarget) onCursor('elsewhere');
          }}
          data-testid="pending-text"
        />
      )}
      {edit !== null && reply.version > edit.version && (
        <Notice
          tone="warn"
          title="It was changed meanwhile. It says now:"
          live="status"
          action={
            mayAct && (
              <Button
                size="xs"
                emphasis="secondary"
                onClick={() => change({ ...edit, version: reply.version })}
                data-testid="pending-mine"
              >
                Mine goes in its place
              </Button>
            )
          }
        >
          <span className={css.text} data-testid="pending-now">
            {reply.text}
          </span>
        </Notice>
      )}
      <div className={css.foot}>
        <span>
          {reply.reason === 'refused' ? 'WhatsApp did not take it: the window had closed. ' : ''}
          {reply.author !== null && `${reply.author.name} · `}
          given up {formatDateTime(reply.expires_at)}
        </span>
        {mayAct && edit === null && (
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
              onClick={() => setEdit({ text: reply.text, version: reply.version })}
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
        {edit !== null && (
          <Row>
            <Button size="xs" emphasis="quiet" onClick={close}>
              Cancel
            </Button>
            {mayAct && (
              <Button
                size="xs"
                loading={busy}
                onClick={() => void act(() => changePending(id, edit.text, edit.version))}
                data-testid="pending-save"
              >
                Save
              </Button>
            )}
          </Row>
        )}
      </div>
    </li>
  );
}

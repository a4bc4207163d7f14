import { IconArrowDown } from '@tabler/icons-react';
import {
  Fragment,
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { Message } from '@/api/types';
import { dayKey, formatDateTime, formatDay } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { send, useLive } from '@/live';
import { EmptyState, Failure, MediaViewer, Skeleton, type Viewable } from '@/ui';
import { Bubble } from './Bubble';
import { Earlier } from './Earlier';
import { FlightDialog } from './FlightDialog';
import css from './log.module.css';
import { mediaWords } from './MediaPart';
import { useFocus } from './use-focus';
import { useThread } from './use-thread';

const NEAR_END_PX = 120;
const RUN_MS = 5 * 60_000;

function startsRun(message: Message, previous: Message | undefined): 'yes' | 'no' {
  if (previous === undefined || previous.kind === 'system') return 'yes';
  const same =
    previous.direction === message.direction &&
    previous.author.kind === message.author.kind &&
    previous.author.name === message.author.name &&
    (previous.kind === 'note') === (message.kind === 'note') &&
    Date.parse(message.at) - Date.parse(previous.at) < RUN_MS;
  return same ? 'no' : 'yes';
}

/** The pictures and films of a conversation, in its order. */
function viewableOf(items: Message[], customer: string | undefined): Viewable[] {
  return items.flatMap((message): Viewable[] => {
    const { media, kind } = message;
    if (media === null || media.presence !== 'stored') return [];
    if (kind !== 'image' && kind !== 'sticker' && kind !== 'video') return [];
    const who =
      message.direction === 'inbound' ? (customer ?? 'Customer') : (message.author.name ?? 'Bot');
    return [
      {
        id: message.id,
        kind: kind === 'video' ? 'video' : 'image',
        url: media.url,
        title: message.text === '' ? mediaWords(message) : message.text,
        note: `${who} · ${formatDateTime(message.at)}`,
      },
    ];
  });
}

interface LogProps {
  sessionId: string;
  /** The message to show, when one was looked for. */
  messageId?: string | null;
}

/** The conversation. Pages upwards, keeps its place, and follows the end only for who is there. */
export const MessageLog = memo(function MessageLog({ sessionId, messageId = null }: LogProps) {
  const { thread, error, retry, loadOlder, loadingOlder } = useThread(sessionId);
  const now = useServerNow(60_000);
  const ownName = useLive((state) => state.user?.name);
  // Whether a reply is allowed; once a minute is often enough, the server decides.
  const mayReact = useLive((state) => {
    const session = state.sessions[sessionId];
    return (
      session !== undefined &&
      session.state !== 'ended' &&
      session.agent !== null &&
      session.agent.id === state.user?.id &&
      session.window_expires_at !== null &&
      Date.parse(session.window_expires_at) > now
    );
  });
  const react = useCallback(
    (message: Message, emoji: string) =>
      send({
        sessionId,
        content: { kind: 'reaction', message_id: message.id, emoji },
        text: emoji,
      }),
    [sessionId],
  );
  const scroll = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const heightBefore = useRef<{ first: string | undefined; height: number }>({
    first: undefined,
    height: 0,
  });
  const [unseen, setUnseen] = useState(0);
  const items = useMemo(() => thread?.items ?? [], [thread?.items]);
  const loaded = thread?.loaded === true;
  const last = items.at(-1)?.id;
  const first = items[0]?.id;

  useLayoutEffect(() => {
    const box = scroll.current;
    if (box === null) return;
    const grownAbove =
      heightBefore.current.first !== first && heightBefore.current.first !== undefined;
    if (atEnd.current) box.scrollTop = box.scrollHeight;
    else if (grownAbove) box.scrollTop += box.scrollHeight - heightBefore.current.height;
    heightBefore.current = { first, height: box.scrollHeight };
  }, [items, first, loaded]);

  const lastMessage = items.at(-1);
  const lastIsOwn = lastMessage?.direction === 'outbound' && lastMessage.id.startsWith('local:');
  useEffect(() => {
    const box = scroll.current;
    if (lastIsOwn && box !== null) {
      atEnd.current = true;
      box.scrollTop = box.scrollHeight;
    }
    if (!atEnd.current) setUnseen((count) => count + 1);
  }, [last, lastIsOwn]);

  // Pictures and fonts change the height after the first layout.
  useEffect(() => {
    const box = scroll.current;
    const content = box?.firstElementChild;
    if (box === null || content == null) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(content);
    observer.observe(box);
    return () => observer.disconnect();
  }, [loaded]);

  const onScroll = () => {
    const box = scroll.current;
    if (box === null) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    if (atEnd.current) setUnseen(0);
    if (box.scrollTop < 200 && loadingOlder === 'no') void loadOlder().catch(() => undefined);
  };
  useFocus({
    messageId,
    box: scroll,
    loaded,
    older: thread?.older ?? null,
    loadOlder,
    count: items.length,
  });
  useEffect(() => {
    if (messageId !== null) atEnd.current = false;
  }, [messageId]);
  const [flight, setFlight] = useState<Message | null>(null);
  const [viewed, setViewed] = useState<string | null>(null);
  const customer = useLive((state) => state.sessions[sessionId]?.customer.name);
  const viewable = useMemo(() => viewableOf(items, customer), [items, customer]);

  const toEnd = () => {
    scroll.current?.scrollTo({ top: scroll.current.scrollHeight, behavior: 'smooth' });
    setUnseen(0);
  };

  const texts = useMemo(() => new Map(items.map((each) => [each.id, each.text])), [items]);

  if (error !== null) return <Failure error={error} onRetry={retry} />;
  return (
    <div className={css.frame}>
      <div
        className={css.scroll}
        ref={scroll}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label="Messages"
      >
        <ol className={css.log}>
          {!loaded && items.length === 0 && <LogSkeleton />}
          {loaded && thread?.older === null && <Earlier sessionId={sessionId} ownName={ownName} />}
          {thread?.older != null && (
            <li className={css.older}>
              <button type="button" onClick={() => void loadOlder().catch(() => undefined)}>
                {loadingOlder === 'yes' ? 'Loading…' : 'Show earlier messages'}
              </button>
            </li>
          )}
          {loaded && items.length === 0 && (
            <li>
              <EmptyState title="No messages yet">
                They appear here the moment they arrive.
              </EmptyState>
            </li>
          )}
          {items.map((message, index) => {
            const previous = items[index - 1];
            const newDay = previous === undefined || dayKey(previous.at) !== dayKey(message.at);
            return (
              <Fragment key={message.client_id ?? message.id}>
                {newDay && (
                  <li className={css.day}>
                    <span>{formatDay(message.at, now)}</span>
                  </li>
                )}
                <Bubble
                  message={message}
                  ownName={ownName}
                  quoted={message.reply_to === null ? null : (texts.get(message.reply_to) ?? null)}
                  lead={newDay ? 'yes' : startsRun(message, previous)}
                  mark={messageId === message.id ? 'found' : undefined}
                  onFlight={setFlight}
                  onView={setViewed}
                  onReact={mayReact ? react : undefined}
                />
              </Fragment>
            );
          })}
        </ol>
      </div>
      {viewed !== null && viewable.length > 0 && (
        <MediaViewer
          items={viewable}
          shown={viewed}
          onShow={setViewed}
          onClose={() => setViewed(null)}
        />
      )}
      {flight !== null && <FlightDialog message={flight} onClose={() => setFlight(null)} />}
      {unseen > 0 && (
        <button type="button" className={css.jump} onClick={toEnd}>
          <IconArrowDown size={14} aria-hidden="true" /> {unseen} new
        </button>
      )}
    </div>
  );
});

function LogSkeleton() {
  return (
    <li className={css.skeleton} aria-label="Loading messages">
      {['46%', '32%', '54%', '40%', '28%'].map((width, index) => (
        <div key={width} data-side={index % 2 === 0 ? 'start' : 'end'}>
          <Skeleton width={width} height={46} />
        </div>
      ))}
    </li>
  );
}

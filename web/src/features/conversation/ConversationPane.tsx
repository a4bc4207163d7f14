import { Suspense, useCallback, useState } from 'react';
import { ExportDialog } from '@/shared/transcript';
import { useRegisterCommands } from '@/lib/hotkeys';
import { useServerNow } from '@/lib/use-now';
import { changeLive, putSession, useLive } from '@/live';
import { notify, Skeleton } from '@/ui';
import { takeOver } from './api';
import { ConversationHeader } from './ConversationHeader';
import { EndDialog } from './EndDialog';
import { MessageLog } from './MessageLog';
import composerCss from './composer.module.css';
import css from './pane.module.css';
import { PendingReplies } from './PendingReplies';
import { ReplyArea } from './ReplyArea';
import { TransferDialog } from './TransferDialog';
import { useMarkRead } from './use-thread';

interface PaneProps {
  sessionId: string;
  /** The message to show, when one was looked for. */
  messageId?: string | null;
  onBack: () => void;
  onPanel: () => void;
}

type Overlay = 'end' | 'transfer' | 'templates' | 'export' | null;

export function ConversationPane({ sessionId, messageId = null, onBack, onPanel }: PaneProps) {
  const session = useLive((state) => state.sessions[sessionId]);
  const me = useLive((state) => state.user?.id);
  const [overlay, setOverlay] = useState<Overlay>(null);
  const ended = session?.state === 'ended';
  const owner =
    session === undefined || session.agent === null
      ? 'nobody'
      : session.agent.id === me
        ? 'me'
        : 'other';
  useMarkRead(sessionId);

  const claim = useCallback(async () => {
    try {
      const taken = await takeOver(sessionId);
      changeLive((data) => putSession(data, taken));
    } catch (error) {
      notify.failure(error);
    }
  }, [sessionId]);
  const onTakeOver = useCallback(() => void claim(), [claim]);
  const onTransfer = useCallback(() => setOverlay('transfer'), []);
  const onEnd = useCallback(() => setOverlay('end'), []);
  const onExport = useCallback(() => setOverlay('export'), []);

  useRegisterCommands(
    session === undefined
      ? []
      : [
          {
            id: 'session.export',
            label: 'Take a transcript out',
            group: 'Conversation',
            run: onExport,
          },
        ],
  );
  useRegisterCommands(
    ended || session === undefined
      ? []
      : [
          {
            id: 'session.end',
            label: 'End conversation',
            group: 'Conversation',
            keys: 'e',
            run: onEnd,
          },
          {
            id: 'session.transfer',
            label: 'Transfer conversation',
            group: 'Conversation',
            keys: 'x',
            run: onTransfer,
          },
          ...(owner === 'me'
            ? [
                {
                  id: 'session.template',
                  label: 'Send a template',
                  group: 'Conversation',
                  keys: 't',
                  run: () => setOverlay('templates'),
                },
              ]
            : [
                {
                  id: 'session.take',
                  label: 'Take over conversation',
                  group: 'Conversation',
                  run: onTakeOver,
                },
              ]),
        ],
  );

  if (session === undefined) {
    return (
      <section className={css.pane} aria-label="Conversation">
        <header className={css.header}>
          <Skeleton width="180px" height={20} />
        </header>
        <MessageLog sessionId={sessionId} messageId={messageId} />
      </section>
    );
  }
  return (
    <section
      className={css.pane}
      aria-label={`Conversation with ${session.customer.name}`}
      data-drop-area
    >
      <ConversationHeader
        session={session}
        owner={owner}
        onBack={onBack}
        onPanel={onPanel}
        onTakeOver={onTakeOver}
        onTransfer={onTransfer}
        onEnd={onEnd}
        onExport={onExport}
      />
      <MessageLog sessionId={sessionId} messageId={messageId} />
      <Typing sessionId={sessionId} />
      <PendingReplies session={session} mayAct={owner === 'me'} />
      {ended ? (
        <div className={composerCss.bar}>
          This conversation has ended. A new message from the customer opens the next one.
        </div>
      ) : (
        <ReplyArea
          key={sessionId}
          sessionId={sessionId}
          owner={owner}
          expiresAt={session.window_expires_at}
          agentName={session.agent?.name ?? null}
          bot={session.bot_active ? 'active' : 'silent'}
          templates={overlay === 'templates' ? 'open' : 'closed'}
          onTakeOver={onTakeOver}
          onTemplates={(next) => setOverlay(next === 'open' ? 'templates' : null)}
        />
      )}
      {overlay === 'end' && (
        <EndDialog
          session={session}
          onClose={() => setOverlay(null)}
          onEnded={() => {
            setOverlay(null);
            onBack();
          }}
        />
      )}
      {overlay === 'export' && (
        <Suspense fallback={null}>
          <ExportDialog
            subjects={[
              {
                label: 'This conversation',
                of: { kind: 'session', session_id: session.id },
              },
              session.customer.contact_id === null
                ? {
                    label: `Everything with ${session.customer.name}`,
                    of: {
                      kind: 'customer',
                      messaging_user_id: session.customer.messaging_user_id,
                    },
                  }
                : {
                    label: `Everything with ${session.customer.name}, on all numbers`,
                    of: { kind: 'contact', contact_id: session.customer.contact_id },
                  },
            ]}
            onClose={() => setOverlay(null)}
          />
        </Suspense>
      )}
      {overlay === 'transfer' && (
        <TransferDialog session={session} onClose={() => setOverlay(null)} />
      )}
    </section>
  );
}

function Typing({ sessionId }: { sessionId: string }) {
  const typing = useLive((state) => state.typing[sessionId]);
  const now = useServerNow(1000);
  return (
    <div className={css.typing} aria-live="off">
      {typing !== undefined && typing.until > now && `${typing.name} is typing…`}
    </div>
  );
}

import { IconMessages } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { ConversationPane } from '@/features/conversation';
import { CustomerPanel } from '@/features/customer';
import { SessionList } from '@/features/inbox';
import { PresenceSwitch } from '@/features/presence';
import { useRegisterCommands } from '@/lib/hotkeys';
import { EmptyState, ErrorBoundary } from '@/ui';
import css from './inbox-page.module.css';

const WIDE_PX = 1200;

interface InboxProps {
  sessionId: string | null;
  /** The message to show, when one was looked for. */
  messageId?: string | null;
}

/** The agent's workspace: list, conversation, customer. */
export function InboxPage({ sessionId, messageId = null }: InboxProps) {
  const navigate = useNavigate();
  const [panel, setPanel] = useState<'open' | 'closed'>(
    window.innerWidth >= WIDE_PX ? 'open' : 'closed',
  );
  // Where the panel lies over the conversation it was opened for one of them.
  const [panelOf, setPanelOf] = useState(sessionId);
  if (panelOf !== sessionId) {
    setPanelOf(sessionId);
    if (window.innerWidth < WIDE_PX) setPanel('closed');
  }
  const onBack = useCallback(() => void navigate({ to: '/inbox' }), [navigate]);
  const onPanel = useCallback(() => setPanel((now) => (now === 'open' ? 'closed' : 'open')), []);
  useRegisterCommands([
    {
      id: 'inbox.panel',
      label: 'Show or hide the customer',
      group: 'Inbox',
      keys: ']',
      run: onPanel,
    },
  ]);
  return (
    <main
      id="main"
      className={css.inbox}
      data-session={sessionId === null ? 'none' : 'open'}
      data-panel={sessionId !== null && panel === 'open' ? 'open' : 'closed'}
    >
      <div className={css.list}>
        <div className={css.top}>
          {sessionId === null ? <h1>Inbox</h1> : <h2>Inbox</h2>}
          <PresenceSwitch />
        </div>
        <div className={css.fill}>
          <SessionList selected={sessionId} />
        </div>
      </div>
      <div className={css.conversation}>
        {sessionId === null ? (
          <EmptyState icon={<IconMessages size={28} />} title="Choose a conversation">
            Open one from the list, or press <kbd>J</kbd> for the next. Offered conversations appear
            at the bottom left; <kbd>A</kbd> accepts.
          </EmptyState>
        ) : (
          <ErrorBoundary resetKey={sessionId}>
            <ConversationPane
              key={sessionId}
              sessionId={sessionId}
              messageId={messageId}
              onBack={onBack}
              onPanel={onPanel}
            />
          </ErrorBoundary>
        )}
      </div>
      {sessionId !== null && panel === 'open' && (
        <div className={css.panel}>
          <ErrorBoundary resetKey={sessionId}>
            <CustomerPanel sessionId={sessionId} onClose={onPanel} />
          </ErrorBoundary>
        </div>
      )}
    </main>
  );
}

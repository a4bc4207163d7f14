import type { CustomerPanel, Session } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Button, Row } from '@/ui';
import { undoLink } from './api';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';
import { useAct } from './use-act';
import { linkSentence } from './words';

/** How the customer came to the contact or lead: who, when and why, and the way back. */
export function LinkHistory({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const { busy, act } = useAct(session.id);
  const { link_history: history, undoable_link: undoable } = panel;
  if (history.length === 0) return null;
  return (
    <PanelSection title="How it was linked" testId="panel-link-history">
      <ol className={css.history}>
        {history.map((entry) => (
          <li key={entry.id} data-testid="link-entry">
            <span>{linkSentence(entry)}</span>
            {entry.note !== null && <q>{entry.note}</q>}
            <time className={css.small} dateTime={entry.at}>
              {formatDateTime(entry.at)}
            </time>
          </li>
        ))}
      </ol>
      {undoable !== null && (
        <Row>
          <Button
            emphasis="secondary"
            size="xs"
            disabled={busy}
            onClick={() =>
              void act(() => undoLink(session.id, undoable), 'The link was taken back')
            }
            data-testid="undo-link"
          >
            Undo the last link
          </Button>
        </Row>
      )}
    </PanelSection>
  );
}

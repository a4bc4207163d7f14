import { useState } from 'react';
import type { Session } from '@/api/types';
import { changeLive, putSession } from '@/live';
import { Button, CheckField, Dialog, DialogActions, notify, Stack, TextField } from '@/ui';
import { endSession, openCase, type EndInput } from './api';
import css from './pane.module.css';

const OUTCOMES: { value: EndInput['outcome']; label: string; hint: string }[] = [
  { value: 'none', label: 'No sale', hint: 'A question, a service case' },
  { value: 'won', label: 'Won', hint: 'The customer bought' },
  { value: 'lost', label: 'Lost', hint: 'The customer said no' },
];

interface EndDialogProps {
  session: Session;
  onClose: () => void;
  onEnded: () => void;
}

/** A subject for a case that nobody opened while the conversation went on. */
function subjectOf(session: Session): string {
  const topic = session.gathered.find((each) => each.name === 'topic')?.value;
  return topic ?? session.campaign?.name ?? `Conversation with ${session.customer.name}`;
}

/**
 * Ends the conversation and, in the same act, its case; the outcome feeds the campaign's funnel. A
 * conversation without a case can be recorded as one. Should the second step fail, the case stays
 * open, the session shows it, and the next try only closes it.
 */
export function EndDialog({ session, onClose, onEnded }: EndDialogProps) {
  const hasCase = session.case_id !== null;
  const [outcome, setOutcome] = useState<EndInput['outcome']>('none');
  const [withCase, setWithCase] = useState(hasCase);
  const [subject, setSubject] = useState(() => subjectOf(session));
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const lacksSubject = withCase && !hasCase && subject.trim() === '';

  const end = async () => {
    setBusy(true);
    try {
      if (withCase && !hasCase) await openCase(session.id, subject.trim());
      const ended = await endSession(session.id, {
        close_case: withCase,
        outcome,
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      });
      changeLive((data) => putSession(data, ended));
      notify.done('Conversation ended', withCase ? 'Its case is closed too.' : '');
      onEnded();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };

  return (
    <Dialog title="Close case and session" onClose={onClose}>
      <Stack>
        <fieldset className={css.outcomes}>
          <legend>How did it end?</legend>
          {OUTCOMES.map((each) => (
            <label key={each.value} className={css.outcome}>
              <input
                type="radio"
                name="outcome"
                value={each.value}
                checked={outcome === each.value}
                onChange={() => setOutcome(each.value)}
                data-testid={`end-outcome-${each.value}`}
              />
              <strong>{each.label}</strong>
              <span>{each.hint}</span>
            </label>
          ))}
        </fieldset>
        <TextField
          label="Remark"
          description="Optional; colleagues see it in the customer’s history."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          data-testid="end-reason"
        />
        <CheckField
          label={hasCase ? 'Close the case as well' : 'Record it as a case'}
          checked={withCase}
          onChange={(event) => setWithCase(event.currentTarget.checked)}
          data-testid="end-close-case"
        />
        {withCase && !hasCase && (
          <TextField
            label="Subject of the case"
            value={subject}
            onChange={(event) => setSubject(event.currentTarget.value)}
            data-testid="end-case-subject"
          />
        )}
      </Stack>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Keep open
        </Button>
        <Button
          onClick={() => void end()}
          loading={busy}
          disabled={lacksSubject}
          data-autofocus
          data-testid="end-confirm"
        >
          {withCase ? 'Close case and session' : 'End session'}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

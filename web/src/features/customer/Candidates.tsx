import type { PanelCandidate } from '@/api/identity-types';
import type { CustomerPanel, Session } from '@/api/types';
import { formatPhone, fullName } from '@/lib/phone';
import { Button, Notice, Row } from '@/ui';
import { linkCustomer, postponeLink } from './api';
import css from './customer.module.css';
import type { useAct } from './use-act';
import { REASON } from './words';

interface CandidatesProps {
  session: Session;
  panel: CustomerPanel;
  acting: ReturnType<typeof useAct>;
}

/** Whom the customer may be: choose one, create a new record, or leave it for later. */
export function Candidates({ session, panel, acting: { busy, act } }: CandidatesProps) {
  const { candidates, link_prompt: prompt } = panel;
  const asked = prompt !== null && prompt.postponed_at === null;
  const create = (object: 'contact' | 'lead') => () =>
    void act(() => linkCustomer(session.id, { create: true, object }));
  return (
    <>
      {(asked || candidates.length > 0) && (
        <div className={css.candidates} data-testid={asked ? 'link-prompt' : undefined}>
          <Notice
            tone="warn"
            title={
              candidates.length === 0
                ? 'Who is this?'
                : candidates.length === 1
                  ? 'Is it this one?'
                  : 'Which one is it?'
            }
          >
            {asked
              ? candidates.length === 0
                ? 'Nobody matches. Create a record, or leave it for later.'
                : 'The linking rules ask you to choose.'
              : 'The match is not certain enough to link by itself.'}
          </Notice>
          {candidates.map((candidate) => (
            <Candidate
              key={candidate.contact?.id ?? candidate.lead?.id}
              candidate={candidate}
              busy={busy ? 'yes' : 'no'}
              onChoose={(target) => void act(() => linkCustomer(session.id, target))}
            />
          ))}
        </div>
      )}
      <Row>
        <Button
          emphasis="secondary"
          size="xs"
          disabled={busy}
          onClick={create('contact')}
          data-testid="create-contact"
        >
          Create contact
        </Button>
        {asked && (
          <Button
            emphasis="secondary"
            size="xs"
            disabled={busy}
            onClick={() => void act(() => postponeLink(session.id))}
            data-testid="link-later"
          >
            Not now
          </Button>
        )}
      </Row>
    </>
  );
}

function Candidate({
  candidate,
  busy,
  onChoose,
}: {
  candidate: PanelCandidate;
  busy: 'yes' | 'no';
  onChoose: (target: { contact_id: string } | { lead_id: string }) => void;
}) {
  const { contact, lead, reasons } = candidate;
  const about = contact ?? lead;
  if (about === null) return null;
  const name = contact !== null ? fullName(contact) : (lead?.name ?? null);
  return (
    <button
      type="button"
      className={css.candidate}
      disabled={busy === 'yes'}
      onClick={() =>
        onChoose(contact !== null ? { contact_id: contact.id } : { lead_id: about.id })
      }
      data-testid="link-candidate"
    >
      <strong>
        {name ?? formatPhone(about.phone)}
        {contact === null && ' (lead)'}
      </strong>
      <span>{[formatPhone(about.phone), about.email].filter(Boolean).join(' · ')}</span>
      {reasons.length > 0 && (
        <span>Matched by {reasons.map((reason) => REASON[reason]).join(', ')}</span>
      )}
    </button>
  );
}

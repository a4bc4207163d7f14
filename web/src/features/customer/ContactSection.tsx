import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { CustomerPanel, Session } from '@/api/types';
import { formatPhone, fullName } from '@/lib/phone';
import { Button, Facts, Notice, notify, Row, Tag } from '@/ui';
import { linkCustomer, unlinkCustomer } from './api';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';

/** Who this is in the CRM: linked, to be chosen among candidates, or to be created. */
export function ContactSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await work();
      await cache.invalidateQueries({ queryKey: keys.panel(session.id) });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };
  const { contact, candidates } = panel;
  const { customer } = session;

  if (contact !== null) {
    return (
      <PanelSection title="Contact" testId="panel-contact" aside={<Tag tone="good">Linked</Tag>}>
        <Facts
          items={[
            {
              label: 'Name',
              value: (
                <Link to="/contacts/$contactId" params={{ contactId: contact.id }}>
                  {fullName(contact) ?? 'No name'}
                </Link>
              ),
            },
            { label: 'Phone', value: formatPhone(contact.phone) },
            ...(contact.email === null ? [] : [{ label: 'Email', value: contact.email }]),
            ...Object.entries(contact.attributes)
              .slice(0, 4)
              .map(([label, value]) => ({ label: label.replaceAll('_', ' '), value })),
          ]}
        />
        <div className={css.sectionFoot}>
          <button
            type="button"
            className={css.quietLink}
            disabled={busy}
            onClick={() => void act(() => unlinkCustomer(session.id))}
            data-testid="unlink-contact"
          >
            Not this person? Unlink
          </button>
        </div>
      </PanelSection>
    );
  }
  return (
    <PanelSection title="Contact" testId="panel-contact" aside={<Tag tone="warn">Not linked</Tag>}>
      <Facts
        items={[
          { label: 'WhatsApp name', value: customer.name },
          { label: 'Phone', value: formatPhone(customer.phone) },
          ...(customer.username === null ? [] : [{ label: 'Username', value: customer.username }]),
        ]}
      />
      {candidates.length > 0 && (
        <div className={css.candidates}>
          <Notice
            tone="warn"
            title={candidates.length === 1 ? 'Is it this contact?' : 'Which contact is it?'}
          >
            The match is not certain enough to link by itself.
          </Notice>
          {candidates.map((candidate) => (
            <button
              key={candidate.id}
              type="button"
              className={css.candidate}
              disabled={busy}
              onClick={() => void act(() => linkCustomer(session.id, { contact_id: candidate.id }))}
              data-testid="link-candidate"
            >
              <strong>{fullName(candidate) ?? formatPhone(candidate.phone)}</strong>
              <span>
                {[formatPhone(candidate.phone), candidate.email].filter(Boolean).join(' · ')}
              </span>
            </button>
          ))}
        </div>
      )}
      <Row>
        <Button
          emphasis="secondary"
          size="xs"
          disabled={busy}
          onClick={() => void act(() => linkCustomer(session.id, { create: true }))}
          data-testid="create-contact"
        >
          Create contact
        </Button>
      </Row>
    </PanelSection>
  );
}

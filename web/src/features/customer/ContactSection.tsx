import { Link } from '@tanstack/react-router';
import type { CustomerPanel, Session } from '@/api/types';
import { fieldWords } from '@/lib/field-words';
import { formatPhone, fullName } from '@/lib/phone';
import { Facts, Tag } from '@/ui';
import { unlinkCustomer } from './api';
import { Candidates } from './Candidates';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';
import { useAct } from './use-act';

/** Who this is in the CRM: linked, to be chosen among candidates, or to be created. */
export function ContactSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const acting = useAct(session.id);
  const { contact } = panel;
  const { customer } = session;
  const asked = panel.link_prompt !== null && panel.link_prompt.postponed_at === null;

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
              .map(([name, value]) => ({ label: fieldWords(name), value })),
          ]}
        />
        <div className={css.sectionFoot}>
          <button
            type="button"
            className={css.quietLink}
            disabled={acting.busy}
            onClick={() => void acting.act(() => unlinkCustomer(session.id))}
            data-testid="unlink-contact"
          >
            Not this person? Unlink
          </button>
          <Link
            to="/search"
            search={{ contact: contact.id }}
            className={css.quietLink}
            data-testid="search-contact"
          >
            Search what was written
          </Link>
        </div>
        {asked && <Candidates session={session} panel={panel} acting={acting} />}
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
      <Candidates session={session} panel={panel} acting={acting} />
    </PanelSection>
  );
}

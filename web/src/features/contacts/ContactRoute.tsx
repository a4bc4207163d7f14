import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Contact } from '@/api/types';
import { ExportDialog } from '@/shared/transcript';
import { fieldWords } from '@/lib/field-words';
import { formatPhone, fullName } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { useLive } from '@/live';
import { Button, Card, EmptyState, Facts, Failure, FileList, Page, SkeletonRows } from '@/ui';
import { fetchContact } from './api';
import { keptSearch } from './address';
import { AddressesCard } from './AddressesCard';
import { ConsentCard } from './ConsentCard';
import { ReachCard } from './ReachCard';
import { ContactDialog } from './ContactDialog';
import css from './contacts.module.css';
import { StandingCard } from './StandingCard';
import { StartConversationDialog } from './StartConversationDialog';
import { TextsCard } from './TextsCard';

/** To the list as it was left, with its filters. */
function BackToList() {
  const user = useLive((state) => state.user?.id);
  return (
    <Link to="/contacts" search={keptSearch(user)}>
      ← Contacts
    </Link>
  );
}

export function ContactRoute() {
  const { contactId } = useParams({ strict: false });
  const id = contactId ?? '';
  const query = useQuery({
    queryKey: keys.contact(id),
    queryFn: ({ signal }) => fetchContact(id, signal),
  });
  if (query.data === undefined) {
    return (
      <Page title="Contact" back={<BackToList />}>
        <Card>
          {query.isError ? (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          ) : (
            <SkeletonRows rows={6} />
          )}
        </Card>
      </Page>
    );
  }
  return <ContactView contact={query.data} />;
}

function ContactView({ contact }: { contact: Contact }) {
  const [editing, setEditing] = useState(false);
  const [starting, setStarting] = useState(false);
  const [exporting, setExporting] = useState(false);
  const mayConverse = useLive((state) => state.user !== null && state.user.role !== 'marketer');
  const attributes = Object.entries(contact.attributes);
  return (
    <Page
      title={fullName(contact) ?? formatPhone(contact.phone)}
      back={<BackToList />}
      subtitle={`Known since ${formatDateTime(contact.created_at)}`}
      actions={
        <>
          {mayConverse && (
            <Button
              emphasis="secondary"
              onClick={() => setStarting(true)}
              data-testid="contact-start"
            >
              Start a conversation
            </Button>
          )}
          {mayConverse && (
            <Button
              emphasis="secondary"
              onClick={() => setExporting(true)}
              data-testid="contact-export"
            >
              Take a transcript out
            </Button>
          )}
          <Button emphasis="secondary" onClick={() => setEditing(true)} data-testid="contact-edit">
            Change
          </Button>
        </>
      }
    >
      <div className={css.view}>
        <div className={css.side}>
          <Card title="Details">
            <Facts
              items={[
                { label: 'Phone', value: formatPhone(contact.phone) },
                { label: 'Email', value: contact.email ?? '–' },
                { label: 'Language', value: contact.locale ?? '–' },
                { label: 'Time zone', value: contact.time_zone ?? '–' },
                { label: 'External key', value: contact.external_key ?? '–' },
              ]}
            />
          </Card>
          <StandingCard contactId={contact.id} />
          <ReachCard contactId={contact.id} />
          <AddressesCard contactId={contact.id} />
          <Card title="Attributes">
            {attributes.length === 0 ? (
              <EmptyState title="No attributes">
                Columns of an import that are not contact fields become attributes; filters and
                texts can use them.
              </EmptyState>
            ) : (
              <Facts
                items={attributes.map(([name, value]) => ({ label: fieldWords(name), value }))}
              />
            )}
          </Card>
        </div>
        <div className={css.side}>
          <ConsentCard contactId={contact.id} />
          <TextsCard contactId={contact.id} />
          {mayConverse && (
            <Card title="Files" data-testid="contact-files">
              <FileList
                scope={{ contact_id: contact.id }}
                page={10}
                empty="No files came or went with this contact."
              />
            </Card>
          )}
        </div>
      </div>
      {starting && <StartConversationDialog contact={contact} onClose={() => setStarting(false)} />}
      {exporting && (
        <Suspense fallback={null}>
          <ExportDialog
            subjects={[
              {
                label: 'Everything with this contact',
                of: { kind: 'contact', contact_id: contact.id },
              },
            ]}
            onClose={() => setExporting(false)}
          />
        </Suspense>
      )}
      {editing && (
        <ContactDialog
          contact={contact}
          onClose={() => setEditing(false)}
          onSaved={() => undefined}
        />
      )}
    </Page>
  );
}

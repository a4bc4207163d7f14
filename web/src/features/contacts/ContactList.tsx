import { IconPlus, IconUpload, IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Contact } from '@/api/types';
import { formatPhone, fullName } from '@/lib/phone';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Page,
  SelectField,
  SkeletonRows,
  TextField,
  type TableColumn,
} from '@/ui';
import { fetchContacts, fetchLists } from './api';
import { ConsentTag } from './ConsentTag';
import { ContactDialog } from './ContactDialog';
import css from './contacts.module.css';

const columns: TableColumn<Contact>[] = [
  {
    key: 'name',
    title: 'Name',
    render: (contact) => (
      <div className={css.who}>
        <strong>{fullName(contact) ?? 'No name'}</strong>
        {contact.email !== null && <span>{contact.email}</span>}
        <span className={css.narrowPhone}>{formatPhone(contact.phone)}</span>
      </div>
    ),
  },
  {
    key: 'phone',
    title: 'Phone',
    priority: 'wide',
    render: (contact) => <span className={css.phone}>{formatPhone(contact.phone)}</span>,
  },
  {
    key: 'sms',
    title: 'SMS consent',
    render: (contact) => <ConsentTag state={contact.sms_consent} />,
  },
  {
    key: 'whatsapp',
    title: 'WhatsApp consent',
    priority: 'wide',
    render: (contact) => <ConsentTag state={contact.whatsapp_consent} />,
  },
  {
    key: 'attributes',
    title: 'Attributes',
    priority: 'wide',
    render: (contact) => (
      <span className={css.attributes}>
        {Object.entries(contact.attributes)
          .slice(0, 2)
          .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
          .join(' · ')}
      </span>
    ),
  },
];

export function ContactList() {
  const mayImport = useLive(({ user }) => user?.role === 'admin' || user?.role === 'marketer');
  const navigate = useNavigate();
  const [search, setSearch] = useState('');
  const [listId, setListId] = useState('');
  const [creating, setCreating] = useState(false);
  const settled = useDebounced(search.trim(), 250);
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const query = useInfiniteQuery({
    queryKey: keys.contactPage(settled, listId),
    queryFn: ({ pageParam, signal }) => fetchContacts(settled, listId, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
  });
  const contacts = query.data?.pages.flatMap((page) => page.data) ?? [];
  const filtered = settled !== '' || listId !== '';
  const open = (id: string) =>
    void navigate({ to: '/contacts/$contactId', params: { contactId: id } });
  return (
    <Page
      title="Contacts"
      subtitle="People and what they agreed to."
      actions={
        <>
          {mayImport && (
            <Button
              emphasis="secondary"
              leftSection={<IconUpload size={16} />}
              onClick={() => void navigate({ to: '/imports/new' })}
              data-testid="contacts-import"
            >
              Import
            </Button>
          )}
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setCreating(true)}
            data-testid="contact-new"
          >
            New contact
          </Button>
        </>
      }
    >
      <div className={css.filters}>
        <TextField
          aria-label="Search contacts"
          placeholder="Search name, number or email"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          data-testid="contact-search"
        />
        <SelectField
          aria-label="Contact list"
          value={listId}
          onChange={(event) => setListId(event.currentTarget.value)}
          data={[
            { value: '', label: 'All lists' },
            ...(lists.data?.data ?? []).map((list) => ({
              value: list.id,
              label: `${list.name} (${list.member_count.toLocaleString()})`,
            })),
          ]}
        />
        {mayImport && (
          <Link to="/imports" className={css.importsLink}>
            Past imports
          </Link>
        )}
      </div>
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={8} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && contacts.length === 0 && filtered && (
          <EmptyState title="Nobody found">
            Try part of a name, an email, or the last digits of a number.
          </EmptyState>
        )}
        {query.isSuccess && contacts.length === 0 && !filtered && (
          <EmptyState
            icon={<IconUsers size={26} />}
            title="No contacts yet"
            action={
              mayImport && (
                <Button onClick={() => void navigate({ to: '/imports/new' })}>
                  Import a CSV file
                </Button>
              )
            }
          >
            Bring your subscribers with the proof of their consent, or let customers come by
            themselves.
          </EmptyState>
        )}
        {contacts.length > 0 && (
          <DataTable
            label="Contacts"
            columns={columns}
            rows={contacts}
            rowKey={(contact) => contact.id}
            rowTestId="contact-row"
            onOpen={(contact) => open(contact.id)}
          />
        )}
      </Card>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
      {creating && (
        <ContactDialog
          contact={null}
          onClose={() => setCreating(false)}
          onSaved={(contact) => open(contact.id)}
        />
      )}
    </Page>
  );
}

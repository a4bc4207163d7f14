import { IconColumns3, IconPlus, IconUpload, IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import type { ContactView } from '@/api/types';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  EmptyState,
  Failure,
  Page,
  SelectField,
  SkeletonRows,
  TextField,
} from '@/ui';
import { contactSearch, keepSearch, lookOf, searchOf, type ContactSearch } from './address';
import { fetchAttributes, fetchContactPage, fetchLists, fetchViews } from './api';
import { BulkBar } from './BulkBar';
import { ColumnDialog } from './ColumnDialog';
import { allColumns, DEFAULT_COLUMNS } from './columns';
import { ContactDialog } from './ContactDialog';
import { ContactTable } from './ContactTable';
import css from './contacts.module.css';
import grid from './grid.module.css';
import { FilterBar } from './FilterBar';
import { ViewMenu } from './ViewMenu';

type Look = ContactView['query'];

const NOBODY: ReadonlySet<string> = new Set();

/**
 * What is chosen stands in the address. Fields keep what is typed themselves, since the address follows a moment later; an
 * address that was not written here, as of the way back or of a link, is taken over.
 */
function useChosen() {
  const asked = contactSearch(useSearch({ strict: false }));
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<ContactSearch>(asked);
  const address = JSON.stringify(asked);
  const written = useRef<string[]>([]);
  useEffect(() => {
    const at = written.current.lastIndexOf(address);
    written.current = at < 0 ? [] : written.current.slice(at + 1);
    if (at < 0) setChosen(JSON.parse(address) as ContactSearch);
  }, [address]);
  const user = useLive((state) => state.user?.id);
  useEffect(() => keepSearch(user, JSON.parse(address) as ContactSearch), [user, address]);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  const choose = (next: ContactSearch) => {
    // A view that was being saved when its page was left leads nobody back.
    if (!isShown.current) return;
    setChosen(next);
    const text = JSON.stringify(contactSearch({ ...next }));
    if (text !== (written.current.at(-1) ?? address)) written.current.push(text);
    void navigate({ to: '/contacts', search: next, replace: true });
  };
  return { chosen, choose };
}

export function ContactList() {
  const mayImport = useLive(({ user }) => user?.role === 'admin' || user?.role === 'marketer');
  const navigate = useNavigate();
  const { chosen, choose } = useChosen();
  const views = useQuery({
    queryKey: keys.contactViews,
    queryFn: ({ signal }) => fetchViews(signal),
  });
  const view = views.data?.data.find((each) => each.id === chosen.view) ?? null;
  // Those of the view until others are chosen.
  const [columnKeys, setColumnKeys] = useState<string[] | null>(null);
  const look: Look = {
    ...lookOf(chosen),
    columns: columnKeys ?? view?.query.columns ?? DEFAULT_COLUMNS,
  };
  const [selected, setSelected] = useState(NOBODY);
  const [dialog, setDialog] = useState<'new' | 'columns' | null>(null);
  const search = useDebounced(look.search.trim(), 250);
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const attributes = useQuery({
    queryKey: keys.attributes,
    queryFn: ({ signal }) => fetchAttributes(signal),
  });
  const { list_id: listId, filters, sort } = look;
  // One of the address that is none of these still has to be seen, to be chosen away.
  const isForeign = listId !== null && !(lists.data?.data ?? []).some((each) => each.id === listId);
  const query = useInfiniteQuery({
    queryKey: keys.contactPage(search, listId ?? '', JSON.stringify(filters), sort),
    queryFn: ({ pageParam, signal }) =>
      fetchContactPage({ search, listId: listId ?? '', filters, sort }, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
    meta: LONG_LIST,
  });
  const contacts = useMemo(
    () => query.data?.pages.flatMap((page) => page.data) ?? [],
    [query.data],
  );
  const definitions = attributes.data?.data ?? [];
  const columns = allColumns(definitions, contacts);
  const filtered = search !== '' || listId !== null || filters.length > 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const change = (part: Partial<Look>) => {
    choose(searchOf({ ...look, ...part }, chosen.view ?? null));
    setSelected(NOBODY);
  };
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
            onClick={() => setDialog('new')}
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
          value={look.search}
          onChange={(event) => change({ search: event.currentTarget.value })}
          data-testid="contact-search"
        />
        <SelectField
          aria-label="Contact list"
          value={listId ?? ''}
          onChange={(event) => change({ list_id: event.currentTarget.value || null })}
          data={[
            { value: '', label: 'All lists' },
            ...(isForeign
              ? [{ value: listId, label: lists.isSuccess ? 'A list that is not among these' : '…' }]
              : []),
            ...(lists.data?.data ?? []).map((list) => ({
              value: list.id,
              label: `${list.name} (${list.member_count.toLocaleString()})`,
            })),
          ]}
        />
        <SelectField
          aria-label="Order"
          value={sort}
          onChange={(event) => change({ sort: event.currentTarget.value as Look['sort'] })}
          data={[
            { value: 'newest', label: 'Newest first' },
            { value: 'oldest', label: 'Oldest first' },
          ]}
        />
        <Button
          emphasis="secondary"
          leftSection={<IconColumns3 size={16} />}
          onClick={() => setDialog('columns')}
          data-testid="contact-columns"
        >
          Columns
        </Button>
        <nav className={grid.links} aria-label="More about contacts">
          <Link to="/contacts/duplicates">Duplicates</Link>
          <Link to="/tables" data-testid="contacts-tables">
            Data tables
          </Link>
          {mayImport && <Link to="/contacts/fields">Fields</Link>}
          {mayImport && <Link to="/imports">Past imports</Link>}
        </nav>
      </div>
      <div className={grid.looks}>
        <ViewMenu
          look={look}
          view={view}
          onChoose={(next) => {
            choose(next === null ? {} : searchOf(next.query, next.id));
            setColumnKeys(null);
            setSelected(NOBODY);
          }}
        />
        <FilterBar
          filters={filters}
          columns={columns}
          definitions={definitions}
          onChange={(next) => change({ filters: next })}
        />
      </div>
      <BulkBar
        selected={contacts.filter((contact) => selected.has(contact.id))}
        lists={lists.data?.data ?? []}
        onDone={() => setSelected(NOBODY)}
      />
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={8} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && contacts.length === 0 && filtered && (
          <EmptyState
            title={hasNextPage ? 'Nobody found so far' : 'Nobody found'}
            {...(hasNextPage
              ? {
                  action: (
                    <Button emphasis="secondary" loading={isFetchingNextPage} onClick={onEnd}>
                      Look further
                    </Button>
                  ),
                }
              : {})}
          >
            Try part of a name, an email, or the last digits of a number, or remove a filter.
          </EmptyState>
        )}
        {query.isSuccess && contacts.length === 0 && !filtered && (
          <EmptyState
            icon={<IconUsers size={26} />}
            title="No contacts yet"
            action={
              mayImport && (
                <Button onClick={() => void navigate({ to: '/imports/new' })}>
                  Import a CSV or Excel file
                </Button>
              )
            }
          >
            Bring your subscribers with the proof of their consent, or let customers come by
            themselves.
          </EmptyState>
        )}
        {contacts.length > 0 && (
          <ContactTable
            contacts={contacts}
            columns={look.columns.flatMap((key) => columns.find((each) => each.key === key) ?? [])}
            selected={selected}
            onSelect={setSelected}
            onOpen={(contact) => open(contact.id)}
            onEnd={onEnd}
          />
        )}
      </Card>
      {contacts.length > 0 && (
        <p className={grid.count} role="status">
          {contacts.length.toLocaleString()}{' '}
          {hasNextPage ? 'loaded so far; scroll for more' : 'in all'}{' '}
          <Button
            emphasis="quiet"
            size="xs"
            loading={query.isRefetching}
            onClick={() => void query.refetch()}
          >
            Refresh
          </Button>
        </p>
      )}
      {dialog === 'new' && (
        <ContactDialog
          contact={null}
          onClose={() => setDialog(null)}
          onSaved={(contact) => open(contact.id)}
        />
      )}
      {dialog === 'columns' && (
        <ColumnDialog
          columns={columns}
          chosen={look.columns}
          onClose={() => setDialog(null)}
          onChoose={(keysOfColumns) => {
            setColumnKeys(keysOfColumns);
            setDialog(null);
          }}
        />
      )}
    </Page>
  );
}

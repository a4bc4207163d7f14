import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { Programme, Subscription } from '@/api/types';
import { CONSENT_METHODS, subscriptionState } from '@/lib/consent';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  DataTable,
  Dialog,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  TextField,
  type TableColumn,
  useDialog,
} from '@/ui';
import { fetchSubscriptions, subscribe } from './api';
import css from './consent.module.css';

const columns: TableColumn<Subscription>[] = [
  {
    key: 'who',
    title: 'Person',
    render: (each) =>
      each.contact_id === null ? (
        formatPhone(each.address)
      ) : (
        <Link to="/contacts/$contactId" params={{ contactId: each.contact_id }}>
          {each.contact_name ?? formatPhone(each.address)}
        </Link>
      ),
  },
  { key: 'state', title: 'State', render: subscriptionState },
  {
    key: 'method',
    title: 'How',
    priority: 'wide',
    render: (each) => CONSENT_METHODS[each.method],
  },
  {
    key: 'when',
    title: 'Since',
    render: (each) => formatDateTime(each.ended_at ?? each.confirmed_at ?? each.requested_at),
  },
];

/** Who is, was or may come into a programme. */
export function SubscribersDialog({
  programme,
  onClose,
}: {
  programme: Programme;
  onClose: () => void;
}) {
  const query = useInfiniteQuery({
    queryKey: keys.subscriptions(programme.id),
    queryFn: ({ signal, pageParam }) => fetchSubscriptions(programme.id, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Dialog title={`People in ${programme.name}`} onClose={onClose} size="xl">
      {programme.ended_at === null && <InviteForm programme={programme} />}
      {query.isPending && <SkeletonRows rows={4} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="Nobody yet">
          People appear here as soon as they text a word of it.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable label="People" columns={columns} rows={rows} rowKey={(each) => each.id} />
      )}
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show older
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function InviteForm({ programme }: { programme: Programme }) {
  const cache = useQueryClient();
  const { saved } = useDialog();
  const [busy, setBusy] = useState(false);
  const asks = programme.opt_in !== 'single';
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const value = (name: string) => String(new FormData(form).get(name) ?? '').trim();
    setBusy(true);
    try {
      await subscribe(programme.id, {
        phone: value('phone'),
        ...(value('wording') === '' ? {} : { wording: value('wording') }),
      });
      form.reset();
      saved();
      notify.done(asks ? 'The person was asked by text' : 'The person is in the programme');
      await cache.invalidateQueries({ queryKey: keys.programmes });
    } catch (error) {
      notify.failure(error);
    }
    setBusy(false);
  };
  return (
    <form className={css.invite} onSubmit={(event) => void submit(event)}>
      <TextField
        label="Phone number"
        name="phone"
        type="tel"
        required
        withAsterisk={false}
        data-testid="invite-phone"
      />
      <TextField
        label="Wording the person agreed to"
        name="wording"
        required={!asks}
        withAsterisk={false}
      />
      <Button type="submit" loading={busy} data-testid="invite-send">
        {asks ? 'Ask by text' : 'Add'}
      </Button>
    </form>
  );
}

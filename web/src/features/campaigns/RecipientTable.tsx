import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import type { Device } from '@/api/link-types';
import type { RouteNote } from '@/api/sender-types';
import type { Recipient } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { routeWords } from '@/lib/route-words';
import { formatDateTime } from '@/lib/time';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Row,
  SelectField,
  SkeletonRows,
  Tag,
  TextField,
  type TableColumn,
} from '@/ui';
import { apiUrl } from '@/api/client';
import { fetchRecipients, fetchSetup } from './api';
import css from './campaigns.module.css';
import { RECIPIENT_STATES, TAP_DEVICES } from './words';

/** By which account of several the message leaves, and why. */
function RouteLine({ channelId, route }: { channelId: string | null; route: RouteNote }) {
  const setup = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  const account = setup.data?.channels.find((channel) => channel.id === channelId)?.name;
  return (
    <span data-testid="recipient-route">
      By {account ?? 'its account'}: {routeWords(route)}
    </span>
  );
}

/** On what the first tap was, and of which link but that into the chat. */
const tapWords = (device: Device, link: number) =>
  link > 0 ? `${TAP_DEVICES[device]}, link ${link}` : TAP_DEVICES[device];

const columns = (mayConverse: boolean): TableColumn<Recipient>[] => [
  {
    key: 'who',
    title: 'Recipient',
    render: (each) => (
      <div className={css.nameCell}>
        <Link to="/contacts/$contactId" params={{ contactId: each.contact_id }}>
          {each.name ?? formatPhone(each.phone)}
        </Link>
        <span>{formatPhone(each.phone)}</span>
      </div>
    ),
  },
  {
    key: 'state',
    title: 'State',
    render: (each) => (
      <div className={css.stateCell}>
        <Tag tone={RECIPIENT_STATES[each.state].tone}>{RECIPIENT_STATES[each.state].label}</Tag>
        {each.reason !== null && <span>{each.reason}</span>}
        {each.route !== null && <RouteLine channelId={each.channel_id} route={each.route} />}
      </div>
    ),
  },
  { key: 'sent', title: 'Sent', priority: 'wide', render: (each) => formatDateTime(each.sent_at) },
  {
    key: 'tap',
    title: 'First tap',
    priority: 'wide',
    render: (each) => (
      <div className={css.nameCell}>
        {formatDateTime(each.first_tap_at)}
        {each.first_tap_device !== null && (
          <span>{tapWords(each.first_tap_device, each.first_tap_link ?? 0)}</span>
        )}
      </div>
    ),
  },
  {
    key: 'chat',
    title: 'Chat',
    align: 'end',
    render: (each) =>
      each.session_id === null ? (
        '–'
      ) : !mayConverse ? (
        'Opened'
      ) : (
        <Link to="/inbox/$sessionId" params={{ sessionId: each.session_id }}>
          Open
        </Link>
      ),
  },
];

/** So many pages are fetched again by themselves; more wait until they are asked for. */
const BY_ITSELF = 3;

interface RecipientTableProps {
  campaignId: string;
  /** Whether recipients still change while one looks on. */
  is: 'alive' | 'over';
}

export function RecipientTable({ campaignId, is }: RecipientTableProps) {
  const [state, setState] = useState('');
  const [search, setSearch] = useState('');
  const settled = useDebounced(search.trim(), 250);
  // Chats are there for those who answer them.
  const mayConverse = useLive((live) => live.user !== null && live.user.role !== 'marketer');
  const query = useInfiniteQuery({
    queryKey: keys.recipients(campaignId, state, settled),
    queryFn: ({ pageParam, signal }) =>
      fetchRecipients(campaignId, state, settled, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
    meta: LONG_LIST,
    // After the end reports and taps still come, but seldom.
    refetchInterval: (asked) =>
      (asked.state.data?.pages.length ?? 0) > BY_ITSELF ? false : is === 'alive' ? 5_000 : 60_000,
  });
  const waits = is === 'over' || (query.data?.pages.length ?? 0) > BY_ITSELF;
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Card
      className={css.recipients ?? ''}
      padding="none"
      title="Recipients"
      aside={
        <Row>
          <TextField
            aria-label="Search recipients"
            placeholder="Name or number"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <SelectField
            aria-label="State of recipients"
            value={state}
            onChange={(event) => setState(event.currentTarget.value)}
            data={[
              { value: '', label: 'All states' },
              ...Object.entries(RECIPIENT_STATES).map(([value, { label }]) => ({ value, label })),
            ]}
            data-testid="recipient-state"
          />
          {waits && (
            <Button
              emphasis="quiet"
              size="xs"
              loading={query.isRefetching}
              onClick={() => void query.refetch()}
              data-testid="recipients-refresh"
            >
              Refresh
            </Button>
          )}
          <a
            className={css.export}
            href={apiUrl(`/campaigns/${campaignId}/recipients.csv`, { state, search: settled })}
            download
            data-testid="recipient-export"
          >
            Export CSV
          </a>
        </Row>
      }
    >
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={6} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="No recipient here">
          {state === '' && settled === ''
            ? 'Recipients appear as soon as the campaign is planned.'
            : 'Nobody matches this search and state.'}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Recipients"
          columns={columns(mayConverse)}
          rows={rows}
          rowKey={(each) => String(each.position)}
          rowTestId="recipient-row"
        />
      )}
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
    </Card>
  );
}

import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '@/api/client';
import type { TranscriptExport } from '@/api/inbox-types';
import type { CustomerBlock } from '@/api/identity-types';
import { keys } from '@/api/query-keys';
import type { Channel, Page, User } from '@/api/types';
import { fetchExports } from '@/shared/transcript';
import { formatDateTime } from '@/lib/time';
import { useLive } from '@/live';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  Tag,
} from '@/ui';
import css from './setup.module.css';

const fetchBlocks = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<CustomerBlock>>('/customer-blocks', { cursor, limit: 50 }, signal);

const BLOCK_STATES: Record<CustomerBlock['state'], string> = {
  blocking: 'WhatsApp is being told',
  blocked: 'Blocked at WhatsApp too',
  unblocking: 'Being unblocked',
  failed: 'Blocked here alone',
  unblock_failed: 'Blocked at WhatsApp alone',
};

interface Blocked {
  channels: Channel[];
  users: User[];
}

/** Customers whose messages reach nobody: who, since when, why, and the way back. */
export function BlockedSection({ channels, users }: Blocked) {
  const cache = useQueryClient();
  const me = useLive((state) => state.user?.role);
  const agents = useLive((state) => state.agents);
  const [asked, setAsked] = useState<CustomerBlock | null>(null);
  // Not everybody may see all users; agents are known to everybody.
  const nameOf = (actor: string) =>
    users.find((each) => each.id === actor)?.name ??
    agents.find((each) => each.user_id === actor)?.name ??
    (actor.startsWith('usr_') ? 'A colleague' : 'A program');
  const query = useInfiniteQuery({
    queryKey: keys.customerBlocks,
    queryFn: ({ pageParam, signal }) => fetchBlocks(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const mayUnblock = me === 'admin' || me === 'supervisor';
  return (
    <Card
      padding="none"
      title="Blocked customers"
      description="What they write is kept and reaches nobody, and nothing can be sent to them. Agents block from the conversation."
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="Nobody is blocked">
          A customer who is blocked in a conversation appears here.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Blocked customers"
          rows={rows}
          rowKey={(row) => row.messaging_user_id}
          rowTestId="blocked-customer"
          columns={[
            {
              key: 'who',
              title: 'Who',
              render: (row) => (
                <div className={css.cell}>
                  <strong>{row.name ?? 'WhatsApp customer'}</strong>
                  <span>
                    {channels.find((each) => each.id === row.channel_id)?.name ?? 'Unknown number'}
                  </span>
                </div>
              ),
            },
            {
              key: 'why',
              title: 'Why',
              render: (row) => (
                <div className={css.cell}>
                  <span>{row.reason === '' ? 'The contact was deleted' : row.reason}</span>
                  {row.failure !== null && <span>{row.failure}</span>}
                </div>
              ),
            },
            {
              key: 'when',
              title: 'When and by whom',
              render: (row) => (
                <div className={css.cell}>
                  <span>{formatDateTime(row.at)}</span>
                  <span>{nameOf(row.actor)}</span>
                </div>
              ),
            },
            {
              key: 'state',
              title: 'State',
              priority: 'wide',
              render: (row) => (
                <Tag
                  tone={
                    row.state === 'failed' || row.state === 'unblock_failed' ? 'warn' : 'neutral'
                  }
                >
                  {BLOCK_STATES[row.state]}
                </Tag>
              ),
            },
            ...(mayUnblock
              ? [
                  {
                    key: 'act',
                    title: 'Way back',
                    render: (row: CustomerBlock) => (
                      <Button
                        emphasis="secondary"
                        size="xs"
                        disabled={row.state === 'unblocking'}
                        onClick={() => setAsked(row)}
                        aria-label={`Unblock ${row.name ?? 'this customer'}`}
                        data-testid="unblock"
                      >
                        {row.state === 'unblock_failed' ? 'Try again' : 'Unblock'}
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {query.hasNextPage && <More query={query} />}
      {asked !== null && (
        <ConfirmDialog
          title={`Unblock ${asked.name ?? 'this customer'}?`}
          confirmLabel="Unblock"
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await api.delete(`/customer-blocks/${asked.messaging_user_id}`);
            await cache.invalidateQueries({ queryKey: keys.customerBlocks });
            notify.done('Unblocked; what they write next reaches you again');
          }}
        >
          <p>
            What they write next opens a conversation again. What came meanwhile stays where it is.
          </p>
        </ConfirmDialog>
      )}
    </Card>
  );
}

const SUBJECTS: Record<TranscriptExport['of']['kind'], string> = {
  session: 'One conversation',
  customer: 'Everything with a customer',
  contact: 'Everything with a contact',
};

/** Who took which transcript out. */
export function TranscriptsSection() {
  const query = useInfiniteQuery({
    queryKey: keys.transcriptExports,
    queryFn: ({ pageParam, signal }) => fetchExports(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Card
      padding="none"
      title="Transcripts taken out"
      description="Every transcript that somebody downloaded. The files themselves are not kept."
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="None yet">
          Transcripts are taken out from a conversation or a contact.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Transcripts taken out"
          rows={rows}
          rowKey={(row) => row.id}
          rowTestId="transcript-export"
          columns={[
            {
              key: 'who',
              title: 'Who and when',
              render: (row) => (
                <div className={css.cell}>
                  <strong>{row.actor_name ?? 'A program'}</strong>
                  <span>{formatDateTime(row.at)}</span>
                </div>
              ),
            },
            {
              key: 'what',
              title: 'What',
              render: (row) => (
                <div className={css.cell}>
                  <span>{SUBJECTS[row.of.kind]}</span>
                  <span>{idOf(row)}</span>
                </div>
              ),
            },
            {
              key: 'form',
              title: 'Form',
              render: (row) =>
                `${row.format.toUpperCase()}, ${row.include_notes ? 'with notes' : 'without notes'}, ${row.time_zone}`,
            },
          ]}
        />
      )}
      {query.hasNextPage && <More query={query} />}
    </Card>
  );
}

function idOf({ of }: TranscriptExport): string {
  if (of.kind === 'session') return of.session_id;
  return of.kind === 'customer' ? of.messaging_user_id : of.contact_id;
}

interface MoreProps {
  query: { isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> };
}

function More({ query }: MoreProps) {
  return (
    <div className={css.cell}>
      <Button
        emphasis="secondary"
        loading={query.isFetchingNextPage}
        onClick={() => void query.fetchNextPage()}
      >
        Show older ones
      </Button>
    </div>
  );
}

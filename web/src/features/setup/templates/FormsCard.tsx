import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { WhatsAppForm } from '@/api/form-types';
import { keys } from '@/api/query-keys';
import type { Channel } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  Tag,
  type Tone,
} from '@/ui';
import { fetchForms, syncForms } from './api';

const STATUSES: Record<string, { label: string; tone: Tone }> = {
  PUBLISHED: { label: 'Can be sent', tone: 'good' },
  DRAFT: { label: 'Draft at WhatsApp', tone: 'neutral' },
  DEPRECATED: { label: 'Withdrawn', tone: 'neutral' },
  BLOCKED: { label: 'Blocked by WhatsApp', tone: 'bad' },
  THROTTLED: { label: 'Slowed down by WhatsApp', tone: 'warn' },
};

const statusOf = (form: WhatsAppForm) =>
  STATUSES[form.status] ?? { label: form.status, tone: 'neutral' as const };

/** The forms that agents can offer. They are made in WhatsApp Manager and taken over from there. */
export function FormsCard({ channels, mayManage }: { channels: Channel[]; mayManage: boolean }) {
  const cache = useQueryClient();
  const [busy, setBusy] = useState<'yes' | 'no'>('no');
  const query = useQuery({ queryKey: keys.forms, queryFn: ({ signal }) => fetchForms(signal) });
  const rows = query.data?.data ?? [];
  const nameOf = (id: string) => channels.find((channel) => channel.id === id)?.name ?? '';
  const sync = async () => {
    setBusy('yes');
    try {
      let count = 0;
      for (const channel of channels) count += (await syncForms(channel.id)).count;
      await cache.invalidateQueries({ queryKey: keys.forms });
      notify.done('Forms taken over', count === 1 ? 'WhatsApp has 1.' : `WhatsApp has ${count}.`);
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('no');
    }
  };
  return (
    <Card
      padding="none"
      title="Forms"
      description="Made and published in WhatsApp Manager, where they are called flows. Agents offer a published one while the 24-hour window is open; the answers come back into the conversation."
      aside={
        mayManage &&
        channels.length > 0 && (
          <Button
            emphasis="secondary"
            loading={busy === 'yes'}
            onClick={() => void sync()}
            data-testid="forms-sync"
          >
            Take over forms
          </Button>
        )
      }
    >
      {query.isPending && <SkeletonRows rows={2} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState
          title="No form yet"
          action={
            channels.length === 0 && (
              <Link to="/setup/$section" params={{ section: 'channels' }}>
                Go to Channels
              </Link>
            )
          }
        >
          {channels.length === 0
            ? 'Connect a WhatsApp number under Channels first.'
            : 'Publish one in WhatsApp Manager, then take it over here.'}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Forms"
          rows={rows}
          rowKey={(form) => form.id}
          rowTestId="form-row"
          columns={[
            { key: 'name', title: 'Form', render: (form) => form.name.replaceAll('_', ' ') },
            {
              key: 'status',
              title: 'Status',
              render: (form) => (
                <Tag tone={statusOf(form).tone} dot="dot">
                  {statusOf(form).label}
                </Tag>
              ),
            },
            {
              key: 'use',
              title: 'What for',
              priority: 'wide',
              render: (form) =>
                form.categories.map((word) => word.toLowerCase().replaceAll('_', ' ')).join(', '),
            },
            { key: 'number', title: 'Number', render: (form) => nameOf(form.channel_id) },
            {
              key: 'when',
              title: 'Taken over',
              priority: 'wide',
              render: (form) => formatDateTime(form.synced_at),
            },
          ]}
        />
      )}
    </Card>
  );
}

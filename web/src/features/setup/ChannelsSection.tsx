import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { Channel, SetupStatus } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Facts, Notice, notify, Row, Stack, Tag, type Tone } from '@/ui';
import { checkChannel, syncTemplates } from './api';
import { ChannelDialog } from './ChannelDialog';
import { channelFacts } from './channel-facts';
import { ChannelNotices } from './ChannelNotices';
import { NumberCard } from './NumberCard';
import { useMayManage } from './use-may-manage';
import { useRefresh } from './use-refresh';

const STATES: Record<Channel['state'], { label: string; tone: Tone }> = {
  connecting: { label: 'Connecting', tone: 'info' },
  connected: { label: 'Connected', tone: 'good' },
  disconnected: { label: 'Disconnected', tone: 'warn' },
  error: { label: 'Error', tone: 'bad' },
};

const KINDS = { whatsapp: 'WhatsApp', smpp: 'SMS (SMPP)', twilio: 'SMS (HTTP)' };

/** Where the provider sends webhooks to: some channels are reached at an address of their own. */
function webhookAddress(channel: Channel): string {
  const own = channel.config.callback_base_url;
  const base = typeof own === 'string' ? own.replace(/\/+$/, '') : window.location.origin;
  return base + channel.webhook_path;
}

export function ChannelsSection({ setup }: { setup: SetupStatus }) {
  const mayManage = useMayManage();
  const { channels } = setup;
  const [dialog, setDialog] = useState<Channel | 'new' | null>(null);
  return (
    <Stack>
      <Card
        title="Channels"
        description="The WhatsApp numbers and SMS accounts messages go through."
        aside={
          mayManage && (
            <Button
              leftSection={<IconPlus size={16} />}
              onClick={() => setDialog('new')}
              data-testid="channel-new"
            >
              Add channel
            </Button>
          )
        }
      >
        {channels.length === 0 && (
          <EmptyState title="No channel yet">
            Add the SMS account first, then the WhatsApp number.
          </EmptyState>
        )}
      </Card>
      {channels.map((channel) => (
        <ChannelCard
          key={channel.id}
          channel={channel}
          setup={setup}
          onEdit={() => setDialog(channel)}
        />
      ))}
      {dialog !== null && (
        <ChannelDialog
          channel={dialog === 'new' ? null : dialog}
          setup={setup}
          onClose={() => setDialog(null)}
        />
      )}
    </Stack>
  );
}

interface ChannelCardProps {
  channel: Channel;
  setup: SetupStatus;
  onEdit: () => void;
}

function ChannelCard({ channel, setup, onEdit }: ChannelCardProps) {
  // The channel names them by their keys; people know them by their names.
  const flow = setup.flows.find((each) => each.slug === channel.flow)?.name ?? channel.flow;
  const queue = setup.queues.find((each) => each.slug === channel.queue)?.name ?? channel.queue;
  const refresh = useRefresh();
  const mayManage = useMayManage();
  const [busy, setBusy] = useState<'check' | 'sync' | null>(null);
  const [result, setResult] = useState<{ tone: 'good' | 'bad'; text: string } | null>(null);
  const check = async () => {
    setBusy('check');
    try {
      const { ok, detail } = await checkChannel(channel.id);
      setResult({ tone: ok ? 'good' : 'bad', text: detail });
      await refresh();
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(null);
    }
  };
  const sync = async () => {
    setBusy('sync');
    try {
      const { count } = await syncTemplates(channel.id);
      setResult({ tone: 'good', text: `${count} templates are here now.` });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <Card
      title={channel.name}
      description={`${KINDS[channel.kind]} · ${channel.kind === 'whatsapp' ? formatPhone(channel.display) : channel.display}`}
      aside={
        <Tag tone={STATES[channel.state].tone} dot="dot">
          {STATES[channel.state].label}
        </Tag>
      }
      data-testid="channel-card"
      data-state={channel.state}
    >
      <Stack gap={12}>
        {channel.state_detail !== null && (
          <Notice tone={channel.state === 'error' ? 'bad' : 'info'}>{channel.state_detail}</Notice>
        )}
        <Facts
          items={[
            ...(flow === null ? [] : [{ label: 'Bot', value: flow }]),
            ...(queue === null ? [] : [{ label: 'Queue', value: queue }]),
            {
              label: 'Last inbound',
              value:
                channel.last_inbound_at === null
                  ? 'Nothing yet'
                  : formatDateTime(channel.last_inbound_at),
            },
            ...(channel.webhook_path === null
              ? []
              : [
                  {
                    label: channel.kind === 'twilio' ? 'Webhook for incoming texts' : 'Webhook',
                    value: <code>{webhookAddress(channel)}</code>,
                  },
                ]),
            ...channelFacts(channel).map((fact) => ({ ...fact, testId: `channel-${fact.name}` })),
          ]}
        />
        {channel.kind === 'whatsapp' && <ChannelNotices channel={channel} />}
        {channel.kind === 'whatsapp' && <NumberCard channel={channel} />}
        {result !== null && (
          <Notice tone={result.tone} live="status">
            {result.text}
          </Notice>
        )}
        {mayManage && (
          <Row>
            <Button
              emphasis="secondary"
              size="xs"
              loading={busy === 'check'}
              onClick={() => void check()}
              data-testid="channel-check"
            >
              Check connection
            </Button>
            {channel.kind === 'whatsapp' && (
              <Button
                emphasis="secondary"
                size="xs"
                loading={busy === 'sync'}
                onClick={() => void sync()}
                data-testid="channel-sync"
              >
                Sync templates
              </Button>
            )}
            <Button emphasis="quiet" size="xs" onClick={onEdit}>
              Change
            </Button>
          </Row>
        )}
      </Stack>
    </Card>
  );
}

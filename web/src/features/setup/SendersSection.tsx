import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { Channel, Sender } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  notify,
  SelectField,
  Tag,
  TextField,
  type Tone,
} from '@/ui';
import { createSender } from './api';
import { FormDialog, text } from './FormDialog';
import { useMayManage } from './use-may-manage';
import { useRefresh } from './use-refresh';

const KINDS: Record<Sender['kind'], string> = {
  long_code: 'Long code',
  short_code: 'Short code',
  toll_free: 'Toll-free',
  alphanumeric: 'Name',
};

const REGISTRATIONS: Record<Sender['registration'], { label: string; tone: Tone }> = {
  active: { label: 'Active', tone: 'good' },
  pending: { label: 'Pending', tone: 'warn' },
  rejected: { label: 'Rejected', tone: 'bad' },
};

export function SendersSection({ senders, channels }: { senders: Sender[]; channels: Channel[] }) {
  const mayManage = useMayManage();
  const [adding, setAdding] = useState(false);
  const refresh = useRefresh();
  const sms = channels.filter((channel) => channel.kind !== 'whatsapp');
  return (
    <Card
      padding="none"
      title="Senders"
      description="The numbers and names texts come from, as registered with the carriers."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setAdding(true)}
            disabled={sms.length === 0}
            data-testid="sender-new"
          >
            Add sender
          </Button>
        )
      }
    >
      {senders.length === 0 ? (
        <EmptyState title="No sender yet">
          {sms.length === 0 ? 'Add an SMS channel first.' : 'A campaign needs one to come from.'}
        </EmptyState>
      ) : (
        <DataTable
          label="Senders"
          rows={senders}
          rowKey={(sender) => sender.id}
          columns={[
            {
              key: 'address',
              title: 'Sender',
              render: (sender) => <strong>{formatPhone(sender.address)}</strong>,
            },
            { key: 'kind', title: 'Kind', render: (sender) => KINDS[sender.kind] },
            {
              key: 'channel',
              title: 'Channel',
              priority: 'wide',
              render: (sender) =>
                channels.find((channel) => channel.id === sender.channel_id)?.name ?? '–',
            },
            {
              key: 'registration',
              title: 'Registration',
              render: (sender) => (
                <Tag tone={REGISTRATIONS[sender.registration].tone} dot="dot">
                  {REGISTRATIONS[sender.registration].label}
                </Tag>
              ),
            },
          ]}
        />
      )}
      {adding && (
        <FormDialog
          title="Add sender"
          saveLabel="Add sender"
          testId="sender-save"
          onClose={() => setAdding(false)}
          onSave={async (form) => {
            await createSender({
              channel_id: text(form, 'channel_id'),
              address: text(form, 'address'),
              kind: text(form, 'kind') as Sender['kind'],
              registration: text(form, 'registration') as Sender['registration'],
            });
            await refresh();
            notify.done('Sender added');
          }}
        >
          <TextField
            label="Number or name"
            name="address"
            required
            withAsterisk={false}
            data-autofocus
          />
          <SelectField
            label="Kind"
            name="kind"
            data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
          />
          <SelectField
            label="SMS channel"
            name="channel_id"
            data={sms.map((channel) => ({ value: channel.id, label: channel.name }))}
          />
          <SelectField
            label="Registration with the carriers"
            name="registration"
            data={Object.entries(REGISTRATIONS).map(([value, { label }]) => ({ value, label }))}
          />
        </FormDialog>
      )}
    </Card>
  );
}

import { useState } from 'react';
import type { Channel, SetupStatus } from '@/api/types';
import { notify, PasswordField, SelectField, TextField } from '@/ui';
import { changeChannel, createChannel } from './api';
import { CHANNEL_FIELDS, readConfig, shownValue } from './channel-fields';
import { FormDialog, text } from './FormDialog';
import { useRefresh } from './use-refresh';

interface ChannelDialogProps {
  channel: Channel | null;
  setup: SetupStatus;
  onClose: () => void;
}

/** Adds or changes a channel. A stored secret is never shown; left empty it stays as it is. */
export function ChannelDialog({ channel, setup, onClose }: ChannelDialogProps) {
  const refresh = useRefresh();
  const [kind, setKind] = useState<Channel['kind']>(channel?.kind ?? 'whatsapp');
  const save = async (form: FormData) => {
    const config = readConfig(kind, form);
    const name = text(form, 'name');
    const route = { flow: text(form, 'flow'), queue: text(form, 'queue') };
    if (channel === null) await createChannel({ kind, name, config, ...route });
    else await changeChannel(channel.id, { name, config, ...route });
    await refresh();
    notify.done(
      channel === null ? 'Channel added' : 'Channel changed',
      'Check the connection next.',
    );
  };
  return (
    <FormDialog
      title={channel === null ? 'Add channel' : `Change ${channel.name}`}
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="channel-save"
    >
      {channel === null && (
        <SelectField
          label="Kind"
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as Channel['kind'])}
          data={[
            { value: 'whatsapp', label: 'WhatsApp number' },
            { value: 'smpp', label: 'SMS account (SMPP)' },
            { value: 'twilio', label: "SMS account (HTTP, Twilio's dialect)" },
          ]}
          data-testid="channel-kind"
        />
      )}
      <TextField
        label="Name"
        name="name"
        defaultValue={channel?.name ?? ''}
        required
        withAsterisk={false}
      />
      {kind === 'whatsapp' && (
        <>
          <SelectField
            label="Bot"
            description="Greets customers who write first."
            name="flow"
            defaultValue={channel?.flow ?? ''}
            data={[
              { value: '', label: 'No bot' },
              ...setup.flows.map((flow) => ({ value: flow.slug, label: flow.name })),
            ]}
          />
          <SelectField
            label="Queue"
            description="Gets the conversations that no bot takes."
            name="queue"
            defaultValue={channel?.queue ?? ''}
            data={[
              { value: '', label: 'No queue' },
              ...setup.queues.map((queue) => ({ value: queue.slug, label: queue.name })),
            ]}
          />
        </>
      )}
      {CHANNEL_FIELDS[kind].map((field) => {
        const shared = {
          label: field.label,
          name: field.name,
          required:
            field.optional === undefined && (field.kind === 'secret' ? channel === null : true),
          withAsterisk: false,
          ...(field.hint === undefined ? {} : { description: field.hint }),
        };
        return field.kind === 'secret' ? (
          <PasswordField
            key={field.name}
            {...shared}
            autoComplete="off"
            placeholder={channel === null ? '' : 'Unchanged'}
          />
        ) : (
          <TextField
            key={field.name}
            {...shared}
            defaultValue={shownValue(field, channel)}
            {...(field.kind === 'number' ? { inputMode: 'numeric' as const } : {})}
          />
        );
      })}
    </FormDialog>
  );
}

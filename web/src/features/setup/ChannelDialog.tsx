import { useState } from 'react';
import type { Channel, SetupStatus } from '@/api/types';
import { notify, SelectField, Stack, TextField } from '@/ui';
import { changeChannel, createChannel } from './api';
import { ChannelFieldInput } from './ChannelFieldInput';
import { CHANNEL_FIELDS, readConfig } from './channel-fields';
import { FormDialog, text } from './FormDialog';
import styles from './setup.module.css';
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
  const fields = CHANNEL_FIELDS[kind];
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
      {fields
        .filter((field) => field.more === undefined)
        .map((field) => (
          <ChannelFieldInput key={field.name} field={field} channel={channel} />
        ))}
      {fields.some((field) => field.more !== undefined) && (
        <details className={styles.more}>
          <summary>More settings</summary>
          <Stack gap={12}>
            {fields
              .filter((field) => field.more !== undefined)
              .map((field) => (
                <ChannelFieldInput key={field.name} field={field} channel={channel} />
              ))}
          </Stack>
        </details>
      )}
    </FormDialog>
  );
}

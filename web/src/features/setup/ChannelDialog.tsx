import { useState } from 'react';
import type { Channel } from '@/api/types';
import { notify, PasswordField, SelectField, TextField } from '@/ui';
import { changeChannel, createChannel } from './api';
import { FormDialog, text } from './FormDialog';
import { useRefresh } from './use-refresh';

interface ConfigField {
  name: string;
  label: string;
  hint?: string;
  kind?: 'secret' | 'number';
  optional?: 'optional';
}

const FIELDS: Record<Channel['kind'], ConfigField[]> = {
  whatsapp: [
    {
      name: 'phone_number',
      label: 'Phone number',
      hint: 'With country code; customers write to it.',
    },
    { name: 'phone_number_id', label: 'Phone number ID' },
    { name: 'business_account_id', label: 'Business account ID' },
    { name: 'access_token', label: 'Access token', kind: 'secret' },
    {
      name: 'app_secret',
      label: 'App secret',
      hint: 'Proves that webhooks come from the provider.',
      kind: 'secret',
    },
    {
      name: 'verify_token',
      label: 'Verify token',
      hint: 'Any text; give the provider the same.',
      kind: 'secret',
    },
    {
      name: 'base_url',
      label: 'API address',
      hint: 'Only for a sandbox or a proxy.',
      optional: 'optional',
    },
  ],
  smpp: [
    { name: 'host', label: 'Host' },
    { name: 'port', label: 'Port', kind: 'number' },
    { name: 'system_id', label: 'System ID' },
    { name: 'password', label: 'Password', kind: 'secret' },
    { name: 'rate_per_second', label: 'Messages per second', kind: 'number', optional: 'optional' },
  ],
};

/** Adds or changes a channel. A stored secret is never shown; left empty it stays as it is. */
export function ChannelDialog({
  channel,
  onClose,
}: {
  channel: Channel | null;
  onClose: () => void;
}) {
  const refresh = useRefresh();
  const [kind, setKind] = useState<Channel['kind']>(channel?.kind ?? 'whatsapp');
  const save = async (form: FormData) => {
    const config: Record<string, unknown> = {};
    for (const field of FIELDS[kind]) {
      const value = text(form, field.name);
      if (value !== '') config[field.name] = field.kind === 'number' ? Number(value) : value;
    }
    const name = text(form, 'name');
    if (channel === null) await createChannel({ kind, name, config });
    else await changeChannel(channel.id, { name, config });
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
          ]}
        />
      )}
      <TextField
        label="Name"
        name="name"
        defaultValue={channel?.name ?? ''}
        required
        withAsterisk={false}
      />
      {FIELDS[kind].map((field) => {
        const known = channel?.config[field.name];
        const shared = {
          label: field.label,
          name: field.name,
          required: channel === null && field.optional === undefined,
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
            defaultValue={known === undefined || known === null ? '' : String(known)}
            {...(field.kind === 'number' ? { inputMode: 'numeric' as const } : {})}
          />
        );
      })}
    </FormDialog>
  );
}

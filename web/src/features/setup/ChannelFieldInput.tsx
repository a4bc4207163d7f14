import type { Channel } from '@/api/types';
import { PasswordField, SelectField, TextArea, TextField } from '@/ui';
import { shownValue, type ChannelField } from './channel-fields';

/** One setting of a channel. A stored secret is never shown; left empty it stays as it is. */
export function ChannelFieldInput({
  field,
  channel,
}: {
  field: ChannelField;
  channel: Channel | null;
}) {
  const shared = {
    label: field.label,
    name: field.name,
    required: field.optional === undefined && (field.kind === 'secret' ? channel === null : true),
    withAsterisk: false,
    ...(field.hint === undefined ? {} : { description: field.hint }),
  };
  const shown = shownValue(field, channel);
  switch (field.kind) {
    case 'secret':
      return (
        <PasswordField
          {...shared}
          autoComplete="off"
          placeholder={channel === null ? '' : 'Unchanged'}
        />
      );
    case 'select':
    case 'number-select':
      return (
        <SelectField {...shared} required={false} defaultValue={shown} data={field.options ?? []} />
      );
    case 'area':
    case 'tagged-lines':
      return <TextArea {...shared} defaultValue={shown} autosize minRows={2} maxRows={8} />;
    default:
      return (
        <TextField
          {...shared}
          defaultValue={shown}
          {...(field.kind === 'number' ? { inputMode: 'numeric' as const } : {})}
        />
      );
  }
}

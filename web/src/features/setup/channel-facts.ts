import type { Channel } from '@/api/types';
import { CHANNEL_FIELDS, type ChannelField } from './channel-fields';

/** The words of a value: those of its choice where there are some. */
function words(field: ChannelField, value: string | number): string {
  const choice = field.options?.find((each) => each.value === String(value));
  return choice?.label ?? String(value);
}

/**
 * The settings of a channel in the order and the words of its form. What the form does not know, because this console is
 * older than the server, is left out; what is empty too.
 */
export function channelFacts(
  channel: Channel,
): { label: string; value: string; hint?: string; name: string }[] {
  return CHANNEL_FIELDS[channel.kind].flatMap((field) => {
    const value = channel.config[field.name];
    if (field.kind === 'secret' || field.kind === 'area') return [];
    if ((typeof value !== 'string' && typeof value !== 'number') || value === '') return [];
    return [
      {
        name: field.name,
        label: field.label,
        value: words(field, value),
        ...(field.hint === undefined ? {} : { hint: field.hint }),
      },
    ];
  });
}

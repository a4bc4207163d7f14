import type { Channel } from '@/api/types';
import { readTaggedLines, SMPP_FIELDS, taggedLines } from './smpp-fields';

export interface ChannelField {
  name: string;
  label: string;
  hint?: string;
  /** `digits` is a phone number without its plus sign. */
  kind:
    'text' | 'number' | 'digits' | 'secret' | 'area' | 'select' | 'number-select' | 'tagged-lines';
  /** Of a select. */
  options?: { value: string; label: string }[];
  /** Few accounts need it: it is shown on demand. */
  more?: 'more';
  /** The server wants a list, for the time a secret is being replaced. */
  many?: 'many';
  optional?: 'optional';
  initial?: string;
}

export const CHANNEL_FIELDS: Record<Channel['kind'], ChannelField[]> = {
  whatsapp: [
    {
      name: 'display_phone_number',
      label: 'Phone number',
      hint: 'With country code; customers write to it.',
      kind: 'digits',
    },
    {
      name: 'phone_number_id',
      label: 'Phone number ID',
      hint: 'WhatsApp’s own number for it, in WhatsApp Manager under API set-up.',
      kind: 'text',
    },
    {
      name: 'waba_id',
      label: 'Business account ID',
      hint: 'Of the WhatsApp business account that the number belongs to; also called WABA ID.',
      kind: 'text',
    },
    {
      name: 'portfolio_id',
      label: 'Business portfolio ID',
      hint: 'All accounts of a portfolio share the limit of customers in 24 hours. The check of the connection fills it in.',
      kind: 'text',
      optional: 'optional',
    },
    {
      name: 'access_token',
      label: 'Access token',
      hint: 'Of a system user that may send messages and manage the account.',
      kind: 'secret',
    },
    {
      name: 'app_secrets',
      label: 'App secret',
      hint: 'Proves that webhooks come from the provider.',
      kind: 'secret',
      many: 'many',
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
      hint: 'Another one only for a sandbox or a proxy.',
      kind: 'text',
      initial: 'https://graph.facebook.com',
    },
    {
      name: 'graph_version',
      label: 'API version',
      hint: 'Each one ends about two years after it began.',
      kind: 'text',
      initial: 'v26.0',
    },
  ],
  smpp: SMPP_FIELDS,
  twilio: [
    { name: 'account_sid', label: 'Account SID', hint: 'Starts with AC.', kind: 'text' },
    {
      name: 'auth_token',
      label: 'Auth token',
      hint: 'Sends, and proves that webhooks come from the provider.',
      kind: 'secret',
    },
    {
      name: 'secondary_auth_token',
      label: 'Secondary auth token',
      hint: 'Only while the auth token is being replaced.',
      kind: 'secret',
      optional: 'optional',
    },
    {
      name: 'messaging_service_sid',
      label: 'Messaging service SID',
      hint: 'Starts with MG. Only when texts go out through a messaging service.',
      kind: 'text',
      optional: 'optional',
    },
    {
      name: 'callback_base_url',
      label: 'Public address of Segue',
      hint: 'Where the provider reaches this server, for delivery reports and replies.',
      kind: 'text',
      initial: globalThis.location?.origin ?? '',
    },
    {
      name: 'segments_per_second',
      label: 'Segments per second',
      hint: 'As agreed with the provider.',
      kind: 'number',
      initial: '10',
    },
    {
      name: 'base_url',
      label: 'API address',
      hint: 'Another one for a provider that speaks the same dialect, a sandbox or a proxy.',
      kind: 'text',
      initial: 'https://api.twilio.com',
    },
  ],
};

/** What a field shows when the dialog opens. */
export function shownValue(field: ChannelField, channel: Channel | null): string {
  if (channel === null) return field.initial ?? '';
  const known = channel.config[field.name];
  if (field.kind === 'tagged-lines') return taggedLines(known);
  return typeof known === 'string' || typeof known === 'number' ? String(known) : '';
}

/** The settings of the form as the server takes them; empty secrets are left out and stay as they are. */
export function readConfig(kind: Channel['kind'], form: FormData): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of CHANNEL_FIELDS[kind]) {
    const given = form.get(field.name);
    const value = String(given ?? '').trim();
    if (value === '' && (field.kind === 'secret' || field.optional === undefined)) continue;
    if (field.more !== undefined && given === null) continue;
    if (field.kind === 'tagged-lines') config[field.name] = readTaggedLines(value);
    else if (value === '' && field.kind === 'number') config[field.name] = null;
    else if (field.kind === 'number' || field.kind === 'number-select')
      config[field.name] = Number(value);
    else if (field.kind === 'digits') config[field.name] = value.replace(/\D/g, '');
    else config[field.name] = field.many === undefined ? value : [value];
  }
  return config;
}

import type { ChannelField } from './channel-fields';

const MORE = { more: 'more', optional: 'optional' } as const;

/** Settings of an account at an SMS carrier: what everybody needs first, then what some carriers want otherwise. */
export const SMPP_FIELDS: ChannelField[] = [
  { name: 'host', label: 'Host', hint: 'The carrier’s address.', kind: 'text' },
  { name: 'port', label: 'Port', kind: 'number', initial: '2775' },
  {
    name: 'system_id',
    label: 'System ID',
    hint: 'The name the carrier gave the account.',
    kind: 'text',
  },
  { name: 'password', label: 'Password', kind: 'secret' },
  {
    name: 'segments_per_second',
    label: 'Segments per second',
    hint: 'As agreed with the carrier, for the whole account.',
    kind: 'number',
    initial: '10',
  },
  {
    name: 'window',
    label: 'Unanswered at a time',
    hint: 'How many the carrier takes before it answers the first, on each connection.',
    kind: 'number',
    initial: '10',
  },
  {
    name: 'tls',
    label: 'Encryption',
    hint: 'Carriers usually have another port for encrypted connections.',
    kind: 'select',
    initial: 'off',
    options: [
      { value: 'off', label: 'None' },
      { value: 'public', label: 'TLS, certificate of a public authority' },
      { value: 'authority', label: 'TLS, certificate of the authority below' },
      { value: 'pinned', label: 'TLS, one certificate by its fingerprint' },
    ],
  },
  {
    name: 'tls_server_name',
    label: 'Name in the certificate',
    hint: 'Empty when it is the host.',
    kind: 'text',
    ...MORE,
  },
  {
    name: 'tls_authority',
    label: 'Authority’s certificate',
    hint: 'In PEM form, when the carrier has an authority of its own.',
    kind: 'area',
    ...MORE,
  },
  {
    name: 'tls_fingerprint',
    label: 'Certificate’s fingerprint',
    hint: 'SHA-256, when only this one certificate is trusted.',
    kind: 'text',
    ...MORE,
  },
  {
    name: 'bind',
    label: 'Connections',
    kind: 'select',
    initial: 'transceiver',
    ...MORE,
    options: [
      { value: 'transceiver', label: 'Send and receive on one (transceiver)' },
      { value: 'pair', label: 'One to send, one to receive' },
      { value: 'transmitter', label: 'Send only (transmitter)' },
      { value: 'receiver', label: 'Receive only (receiver)' },
    ],
  },
  {
    name: 'binds',
    label: 'How many at once',
    hint: 'Only as many as the carrier allows. They share the rate.',
    kind: 'number',
    initial: '1',
    more: 'more',
  },
  {
    name: 'system_type',
    label: 'System type',
    hint: 'Empty unless the carrier asks for one.',
    kind: 'text',
    ...MORE,
  },
  {
    name: 'long_messages',
    label: 'Long messages',
    kind: 'select',
    initial: 'header8',
    ...MORE,
    options: [
      { value: 'header8', label: 'In parts, 8-bit reference' },
      { value: 'header16', label: 'In parts, 16-bit reference' },
      { value: 'sar', label: 'In parts, told by SAR fields' },
      { value: 'payload', label: 'In one piece (message_payload)' },
    ],
  },
  {
    name: 'alphabet',
    label: 'Alphabet',
    hint: 'What plain texts are written in; others go out in UCS-2.',
    kind: 'select',
    initial: 'gsm',
    ...MORE,
    options: [
      { value: 'gsm', label: 'GSM 7-bit' },
      { value: 'gsm_packed', label: 'GSM 7-bit, packed' },
      { value: 'latin1', label: 'Latin-1' },
      { value: 'ucs2', label: 'UCS-2 for every text' },
    ],
  },
  {
    name: 'plain_coding',
    label: 'Data coding of plain texts',
    hint: 'Empty for 0, or 3 with Latin-1.',
    kind: 'number',
    ...MORE,
  },
  {
    name: 'ucs2_coding',
    label: 'Data coding of UCS-2',
    kind: 'number',
    initial: '8',
    more: 'more',
  },
  {
    name: 'display',
    label: 'On the phone',
    kind: 'select',
    initial: 'stored',
    ...MORE,
    options: [
      { value: 'stored', label: 'In the inbox' },
      { value: 'flash', label: 'Straight onto the screen (flash)' },
    ],
  },
  {
    name: 'registered_delivery',
    label: 'Receipts',
    kind: 'number-select',
    initial: '1',
    ...MORE,
    options: [
      { value: '1', label: 'Of success and failure' },
      { value: '2', label: 'Of failure only' },
      { value: '0', label: 'None' },
    ],
  },
  {
    name: 'receipt_clock_minutes',
    label: 'Carrier’s clock in receipts',
    hint: 'Minutes east of UTC: 60 for Central European winter, -300 for New York winter.',
    kind: 'number',
    initial: '0',
    more: 'more',
  },
  {
    name: 'source_ton',
    label: 'Sender’s type of number',
    hint: 'Empty: by the kind of sender.',
    kind: 'number',
    ...MORE,
  },
  { name: 'source_npi', label: 'Sender’s numbering plan', kind: 'number', ...MORE },
  {
    name: 'destination_ton',
    label: 'Recipient’s type of number',
    hint: 'Empty: international.',
    kind: 'number',
    ...MORE,
  },
  { name: 'destination_npi', label: 'Recipient’s numbering plan', kind: 'number', ...MORE },
  { name: 'service_type', label: 'Service type', kind: 'text', ...MORE },
  { name: 'protocol_id', label: 'Protocol ID', kind: 'number', initial: '0', more: 'more' },
  {
    name: 'priority',
    label: 'Priority',
    hint: '0 lowest to 3 highest.',
    kind: 'number',
    initial: '0',
    more: 'more',
  },
  {
    name: 'fields',
    label: 'Optional fields of every message',
    hint: 'One a line: tag = text, or tag = hex:octets. India’s registry wants 0x1400 and 0x1401.',
    kind: 'tagged-lines',
    ...MORE,
  },
  {
    name: 'enquire_link_seconds',
    label: 'Probe a silent connection after (seconds)',
    kind: 'number',
    initial: '30',
    more: 'more',
  },
  {
    name: 'response_seconds',
    label: 'Wait for an answer (seconds)',
    hint: 'After that nobody can say whether the message went out.',
    kind: 'number',
    initial: '30',
    more: 'more',
  },
  {
    name: 'resend_unknown',
    label: 'When nobody can say whether it went out',
    kind: 'select',
    initial: 'never',
    ...MORE,
    options: [
      { value: 'never', label: 'Wait for the receipt: nobody gets it twice' },
      { value: 'service', label: 'Send replies of a conversation again' },
      { value: 'all', label: 'Send everything again: some may get it twice' },
    ],
  },
];

interface TaggedField {
  tag: number | string;
  text?: string;
  hex?: string;
}

/** Reads lines such as `0x1400 = 1101` and `5121 = hex:0a0b`. A tag that is no number goes to the server as it is. */
export function readTaggedLines(lines: string): TaggedField[] {
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split('=');
      const value = rest.join('=').trim();
      const tag = name.trim() === '' ? Number.NaN : Number(name.trim());
      return {
        tag: Number.isInteger(tag) ? tag : name.trim(),
        ...(value.startsWith('hex:') ? { hex: value.slice(4).trim() } : { text: value }),
      };
    });
}

/** The lines of stored fields. */
export function taggedLines(fields: unknown): string {
  if (!Array.isArray(fields)) return '';
  return (fields as TaggedField[])
    .map((field) => {
      const tag = `0x${Number(field.tag).toString(16).padStart(4, '0')}`;
      return field.hex === undefined ? `${tag} = ${field.text ?? ''}` : `${tag} = hex:${field.hex}`;
    })
    .join('\n');
}

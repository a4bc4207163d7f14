import type { OutgoingMessage } from '@/api/types';
import type { ExtraKind } from './extra-kinds';

type Content = OutgoingMessage extends infer M
  ? M extends unknown
    ? Omit<M, 'client_id' | 'seen_seq'>
    : never
  : never;

interface ExtraField {
  name: string;
  label: string;
  hint?: string;
  max: number;
  kind?: 'text' | 'long' | 'url' | 'tel' | 'email';
  required?: boolean;
  value?: string;
}

interface Extra {
  kind: ExtraKind;
  fields: ExtraField[];
  /** Null when something needed is missing. */
  build: (value: (name: string) => string) => Content | null;
}

const ASK_FOR_PHONE = 'May we have your phone number? Tap the button to share it with us.';

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** A choice per line; `Title | second line` gives a row its second line. */
function choices(text: string): { id: string; title: string; description?: string }[] {
  return lines(text).map((line, index) => {
    const [title = '', description = ''] = line.split('|').map((part) => part.trim());
    return {
      id: `choice-${index + 1}`,
      title,
      ...(description === '' ? {} : { description }),
    };
  });
}

/** The first fault of choices, in words; WhatsApp's limits are checked again by the server. */
export function choiceFault(kind: 'buttons' | 'list', text: string): string | null {
  const all = choices(text);
  const [most, longest] = kind === 'buttons' ? [3, 20] : [10, 24];
  if (all.length === 0) return 'Write at least one choice.';
  if (all.length > most) return `WhatsApp takes at most ${most} choices here.`;
  const long = all.find((each) => each.title.length > longest);
  if (long !== undefined) return `“${long.title}” is longer than ${longest} characters.`;
  if (new Set(all.map((each) => each.title)).size < all.length) return 'Two choices are the same.';
  if (kind === 'list' && all.some((each) => (each.description ?? '').length > 72))
    return 'A second line has at most 72 characters.';
  return null;
}

const FRAME_FIELDS: ExtraField[] = [
  { name: 'header', label: 'Above the text', max: 60 },
  { name: 'footer', label: 'Below the text', max: 60 },
];

function frame(value: (name: string) => string): { header?: string; footer?: string } {
  const [header, footer] = [value('header'), value('footer')];
  return {
    ...(header === '' ? {} : { header }),
    ...(footer === '' ? {} : { footer }),
  };
}

export const EXTRAS: Extra[] = [
  {
    kind: 'buttons',
    fields: [
      { name: 'text', label: 'Text', max: 1024, kind: 'long', required: true },
      {
        name: 'choices',
        label: 'Buttons',
        hint: 'One on each line, up to three with 20 characters each.',
        max: 200,
        kind: 'long',
        required: true,
      },
      ...FRAME_FIELDS,
    ],
    build: (value) => ({
      kind: 'buttons',
      text: value('text'),
      buttons: choices(value('choices')).map(({ id, title }) => ({ id, title })),
      ...frame(value),
    }),
  },
  {
    kind: 'list',
    fields: [
      { name: 'text', label: 'Text', max: 4096, kind: 'long', required: true },
      { name: 'button', label: 'Button that opens the list', max: 20, required: true },
      {
        name: 'choices',
        label: 'Choices',
        hint: 'One on each line, up to ten with 24 characters each; a second line after a | sign.',
        max: 1200,
        kind: 'long',
        required: true,
      },
      ...FRAME_FIELDS,
    ],
    build: (value) => ({
      kind: 'list',
      text: value('text'),
      button: value('button'),
      sections: [{ title: '', rows: choices(value('choices')) }],
      ...frame(value),
    }),
  },
  {
    kind: 'link',
    fields: [
      { name: 'text', label: 'Text', max: 1024, kind: 'long', required: true },
      { name: 'label', label: 'Button', max: 20, required: true },
      {
        name: 'url',
        label: 'Page it opens',
        hint: 'A full address, such as https://example.com/order.',
        max: 2000,
        kind: 'url',
        required: true,
      },
      ...FRAME_FIELDS,
    ],
    build: (value) => ({
      kind: 'link',
      text: value('text'),
      label: value('label'),
      url: value('url'),
      ...frame(value),
    }),
  },
  {
    kind: 'place',
    fields: [
      {
        name: 'latitude',
        label: 'Latitude',
        hint: 'Degrees north, such as 52.5200.',
        max: 20,
        required: true,
      },
      {
        name: 'longitude',
        label: 'Longitude',
        hint: 'Degrees east, such as 13.4050.',
        max: 20,
        required: true,
      },
      { name: 'name', label: 'Name of the place', max: 256 },
      { name: 'address', label: 'Address', max: 256 },
    ],
    build: (value) => ({
      kind: 'place',
      latitude: value('latitude'),
      longitude: value('longitude'),
      ...(value('name') === '' ? {} : { name: value('name') }),
      ...(value('address') === '' ? {} : { address: value('address') }),
    }),
  },
  {
    kind: 'card',
    fields: [
      { name: 'name', label: 'Name', max: 256, required: true },
      { name: 'phone', label: 'Phone', hint: 'With country code.', max: 64, kind: 'tel' },
      { name: 'email', label: 'Email', max: 254, kind: 'email' },
      { name: 'organisation', label: 'Company', max: 256 },
    ],
    build: (value) => ({
      kind: 'card',
      name: value('name'),
      phones: value('phone') === '' ? [] : [value('phone')],
      emails: value('email') === '' ? [] : [value('email')],
      ...(value('organisation') === '' ? {} : { organisation: value('organisation') }),
    }),
  },
  {
    kind: 'request_place',
    fields: [
      {
        name: 'text',
        label: 'Text',
        max: 1024,
        kind: 'long',
        required: true,
        value: 'Please share your location with us.',
      },
    ],
    build: (value) => ({ kind: 'request_place', text: value('text') }),
  },
  {
    kind: 'request_contact',
    fields: [
      {
        name: 'text',
        label: 'Text',
        hint: 'What the customer sends back is kept with them.',
        max: 1024,
        kind: 'long',
        required: true,
        value: ASK_FOR_PHONE,
      },
    ],
    build: (value) => ({ kind: 'request_contact', text: value('text') }),
  },
];

/** What the bubble says until the server answers. */
export function shownText(content: Content): string {
  if ('text' in content && typeof content.text === 'string') return content.text;
  if (content.kind === 'place') return content.name ?? 'Location';
  return content.kind === 'card' ? content.name : '';
}

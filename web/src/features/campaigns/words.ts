import type { Device } from '@/api/link-types';
import type {
  Attribution,
  Campaign,
  CampaignInput,
  CampaignState,
  CampaignTemplate,
  FooterKind,
  Funnel,
  RecipientState,
} from '@/api/types';
import type { Tone } from '@/ui';

export const STATES: Record<CampaignState, { label: string; tone: Tone }> = {
  draft: { label: 'Draft', tone: 'neutral' },
  awaiting_approval: { label: 'Awaiting approval', tone: 'warn' },
  scheduled: { label: 'Scheduled', tone: 'info' },
  planning: { label: 'Planning', tone: 'info' },
  running: { label: 'Running', tone: 'good' },
  paused: { label: 'Paused', tone: 'warn' },
  canceled: { label: 'Canceled', tone: 'bad' },
  finished: { label: 'Finished', tone: 'accent' },
};

export const RECIPIENT_STATES: Record<RecipientState, { label: string; tone: Tone }> = {
  planned: { label: 'Planned', tone: 'neutral' },
  excluded: { label: 'Excluded', tone: 'warn' },
  queued: { label: 'Queued', tone: 'info' },
  submitting: { label: 'Being sent', tone: 'info' },
  sent: { label: 'Sent', tone: 'accent' },
  delivered: { label: 'Delivered', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
  unknown: { label: 'Unknown', tone: 'warn' },
  canceled: { label: 'Canceled', tone: 'neutral' },
  held: { label: 'Held', tone: 'warn' },
};

export const FOOTERS: { value: FooterKind; label: string; hint: string }[] = [
  {
    value: 'tracked',
    label: 'Tracked link',
    hint: 'A short link of your own, one per recipient. You see who tapped, and the chat is tied to the recipient for certain.',
  },
  {
    value: 'wa_me',
    label: 'wa.me link',
    hint: 'The public WhatsApp link with your number, which everybody can read. Taps cannot be counted; the chat is tied to the recipient by a reference in its text. It needs about 100 characters.',
  },
  { value: 'none', label: 'No link', hint: 'A plain text. Customers answer by SMS only.' },
];

/** On what a recipient first tapped. */
export const TAP_DEVICES: Record<Device, string> = {
  android: 'Android phone',
  iphone: 'iPhone',
  tablet: 'Tablet',
  desktop: 'Computer',
  other: 'Other device',
};

/** Steps of the funnel in the order a customer takes them. */
/** How surely a chat came from a campaign. */
export const TIERS: Record<Attribution, string> = {
  certain: 'certain',
  claimed: 'claimed',
  inferred: 'inferred',
  qr: 'by the QR code',
  ad: 'by an advertisement',
  none: 'not from here',
};

export const FUNNEL_STEPS = [
  {
    key: 'planned',
    of: null,
    label: 'Planned',
    hint: 'Everyone of the audience, excluded ones included',
  },
  { key: 'sent', of: 'planned', label: 'Sent', hint: 'Accepted by the carrier' },
  { key: 'delivered', of: 'sent', label: 'Delivered', hint: 'Confirmed by the carrier' },
  {
    key: 'tapped',
    of: 'delivered',
    label: 'Tapped',
    hint: 'Opened the link; previews and robots are not counted',
  },
  { key: 'chats', of: 'tapped', label: 'Chat opened', hint: 'Wrote in WhatsApp' },
  { key: 'bot_finished', of: 'chats', label: 'Bot finished', hint: 'Answered what the bot asked' },
  { key: 'agent', of: 'chats', label: 'Agent', hint: 'Talked with an agent' },
  { key: 'cases', of: 'agent', label: 'Case', hint: 'A case was opened' },
  { key: 'leads', of: 'agent', label: 'Lead', hint: 'A lead was created' },
  { key: 'won', of: 'leads', label: 'Won', hint: 'The sale was made' },
] as const satisfies { key: keyof Funnel; of: keyof Funnel | null; label: string; hint: string }[];

export const EMPTY_INPUT: CampaignInput = {
  name: '',
  sender_id: null,
  audience: {
    list_id: null,
    filter: null,
    lists: [],
    segments: [],
    exclude_lists: [],
    exclude_segments: [],
    exclude_campaigns: [],
  },
  body: '',
  footer: 'tracked',
  whatsapp_channel_id: null,
  prefilled_text: 'Hi! I would like to know more.',
  schedule: {
    starts_at: null,
    clock: 'workspace',
    repeat: null,
    misfire: 'run_late',
    late_hours: 12,
    window: null,
    per_minute: null,
    expires_hours: null,
  },
  variants: [],
  held_out_percent: 0,
  pool_id: null,
  texts: [],
  template: null,
  rules: { at_quiet_hours: null, label: null, programme_id: null },
  media: [],
};

/** As it is sent: without a start there is nothing to repeat, and nobody's clock to go by. */
export function toSend(input: CampaignInput): CampaignInput {
  const { schedule } = input;
  if (schedule.starts_at !== null) return input;
  return { ...input, schedule: { ...schedule, repeat: null, clock: 'workspace' } };
}

export function inputOf(campaign: Campaign): CampaignInput {
  const { name, sender_id, audience, body, footer, whatsapp_channel_id, prefilled_text } = campaign;
  const { schedule, variants, held_out_percent, pool_id, texts, template, rules, media } = campaign;
  return {
    name,
    sender_id,
    audience,
    body,
    footer,
    whatsapp_channel_id,
    prefilled_text,
    schedule,
    variants,
    held_out_percent,
    pool_id,
    texts,
    template,
    rules,
    media,
  };
}

/** Why nothing is started or saved while a date is neither the one before nor none. */
export const halfDate = ({ template }: CampaignInput): string =>
  `A date under ${template === null ? 'Time' : 'Template or Time'} is no whole date yet. Complete it, or empty the field.`;

/** What is still missing before the draft can be saved, in the order of the form. */
export function missing(input: CampaignInput): string[] {
  return [
    input.name.trim() === '' ? 'a name' : null,
    ...(input.template === null
      ? [
          input.sender_id === null ? 'a sender' : null,
          input.body.trim() === '' && input.media.length === 0 ? 'a text or picture' : null,
        ]
      : missingOfTemplate(input.template)),
    input.texts.some((each) => each.locale.trim() === '' || each.body.trim() === '')
      ? 'name and text of each language'
      : null,
    input.footer !== 'none' && input.whatsapp_channel_id === null ? 'a WhatsApp number' : null,
  ].filter((each) => each !== null);
}

function missingOfTemplate(template: CampaignTemplate): (string | null)[] {
  return [
    template.channel_id === '' ? 'a WhatsApp number' : null,
    template.name === '' ? 'a template' : null,
    template.values.some((value) => value.trim() === '') ? 'a value for each placeholder' : null,
    template.buttons.some((button) => (button.target ?? button.value).trim() === '')
      ? 'the end of each link'
      : null,
  ];
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const share = (part / whole) * 100;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

/** The campaign with a text that somebody gets: of one with variants the first of them, for its own goes to nobody then. */
export function textSent(input: CampaignInput): CampaignInput {
  const [first] = input.variants;
  return first === undefined ? input : { ...input, body: first.body, texts: first.texts };
}

/**
 * Why a campaign cannot be started as things are; null when it can. Who gets it is found when it starts, so one with a time
 * can wait while nobody is there. `sendable` is null while they are being counted.
 */
export function whyNotNow(
  { schedule }: Pick<CampaignInput, 'schedule'>,
  sendable: number | null,
): string | null {
  if (schedule.starts_at !== null) return null;
  if (sendable === null) return 'It can be started once it is known who gets it.';
  if (sendable > 0) return null;
  return 'It cannot be started now, for nobody would get it. Change the audience, or give it a later start.';
}

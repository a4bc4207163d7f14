import type {
  Template,
  TemplateButton,
  TemplateCard,
  TemplateCategory,
  TemplateParts,
} from '@/api/template-types';
import type { Tone } from '@/ui';

const STATUSES: Record<string, { label: string; tone: Tone }> = {
  DRAFT: { label: 'Draft', tone: 'neutral' },
  PENDING: { label: 'In review', tone: 'info' },
  IN_APPEAL: { label: 'In appeal', tone: 'info' },
  APPROVED: { label: 'Approved', tone: 'good' },
  REJECTED: { label: 'Rejected', tone: 'bad' },
  PAUSED: { label: 'Paused', tone: 'warn' },
  FLAGGED: { label: 'Flagged', tone: 'warn' },
  LIMIT_EXCEEDED: { label: 'Limit exceeded', tone: 'warn' },
  DISABLED: { label: 'Disabled', tone: 'bad' },
  ARCHIVED: { label: 'Archived', tone: 'neutral' },
  PENDING_DELETION: { label: 'Being deleted', tone: 'warn' },
};

export function statusOf(template: Template): { label: string; tone: Tone } {
  if (template.operation !== null) return { label: 'Waiting for WhatsApp', tone: 'info' };
  return STATUSES[template.status] ?? { label: template.status.toLowerCase(), tone: 'neutral' };
}

const REASONS: Record<string, string> = {
  ABUSIVE_CONTENT: 'WhatsApp found its content abusive or against its commerce policy.',
  CATEGORY_NOT_AVAILABLE: 'The category is not available for this account.',
  INCORRECT_CATEGORY: 'The text does not fit its category.',
  INVALID_FORMAT: 'Its form is not valid, for example its variables.',
  PROMOTIONAL: 'It is advertising, and its category is another one.',
  SCAM: 'WhatsApp takes it for a scam.',
  TAG_CONTENT_MISMATCH:
    'The text is in another language than was said, or its category does not fit.',
};

/** Why WhatsApp rejected or stopped it, in words. */
export const reasonOf = (reason: string): string => REASONS[reason] ?? `WhatsApp says: ${reason}.`;

export const CATEGORIES: { value: TemplateCategory; label: string }[] = [
  { value: 'utility', label: 'Utility' },
  { value: 'marketing', label: 'Marketing' },
  { value: 'authentication', label: 'Authentication' },
];

/** What a category is for. */
export const CATEGORY_HINTS: Record<TemplateCategory, string> = {
  utility: 'About an order, an appointment, an account.',
  marketing: 'Offers, news, invitations.',
  authentication: 'One-time codes.',
};

/** `UTILITY` as a word. */
export const categoryWord = (category: string): string =>
  category.charAt(0).toUpperCase() + category.slice(1).toLowerCase();

export const QUALITIES: Record<string, { label: string; tone: Tone }> = {
  GREEN: { label: 'High', tone: 'good' },
  YELLOW: { label: 'Medium', tone: 'warn' },
  RED: { label: 'Low', tone: 'bad' },
};

/** Languages that are chosen most; any other code of WhatsApp's can be typed. */
export const LANGUAGES: [string, string][] = [
  ['en', 'English'],
  ['en_US', 'English (US)'],
  ['en_GB', 'English (UK)'],
  ['ar', 'Arabic'],
  ['zh_CN', 'Chinese (CHN)'],
  ['cs', 'Czech'],
  ['da', 'Danish'],
  ['nl', 'Dutch'],
  ['fi', 'Finnish'],
  ['fr', 'French'],
  ['de', 'German'],
  ['el', 'Greek'],
  ['he', 'Hebrew'],
  ['hi', 'Hindi'],
  ['hu', 'Hungarian'],
  ['id', 'Indonesian'],
  ['it', 'Italian'],
  ['ja', 'Japanese'],
  ['ko', 'Korean'],
  ['ms', 'Malay'],
  ['nb', 'Norwegian'],
  ['pl', 'Polish'],
  ['pt_BR', 'Portuguese (BR)'],
  ['pt_PT', 'Portuguese (POR)'],
  ['ro', 'Romanian'],
  ['ru', 'Russian'],
  ['es', 'Spanish'],
  ['es_AR', 'Spanish (ARG)'],
  ['es_MX', 'Spanish (MEX)'],
  ['sv', 'Swedish'],
  ['th', 'Thai'],
  ['tr', 'Turkish'],
  ['uk', 'Ukrainian'],
  ['vi', 'Vietnamese'],
];

export const languageName = (code: string): string =>
  LANGUAGES.find(([known]) => known === code)?.[1] ?? code;

export type ButtonKind = TemplateButton['kind'];

export const BUTTON_KINDS: { value: ButtonKind; label: string }[] = [
  { value: 'quick_reply', label: 'Quick reply' },
  { value: 'url', label: 'Open a website' },
  { value: 'phone_number', label: 'Call a number' },
  { value: 'copy_code', label: 'Copy an offer code' },
  { value: 'flow', label: 'Open a form (Flow)' },
  { value: 'catalog', label: 'View the catalogue' },
  { value: 'multi_product', label: 'View several products' },
  { value: 'single_product', label: 'View one product' },
  { value: 'voice_call', label: 'Call on WhatsApp' },
  { value: 'request_contact_info', label: 'Ask for the phone number' },
];

export function newButton(kind: ButtonKind): TemplateButton {
  switch (kind) {
    case 'url':
      return { kind, text: '', url: 'https://', sample: null };
    case 'phone_number':
      return { kind, text: '', phone_number: '+' };
    case 'copy_code':
      return { kind, sample: '' };
    case 'flow':
      return { kind, text: '', flow_id: '', screen: null };
    case 'one_time_code':
      return { kind, mode: 'copy_code', text: null, autofill_text: null, apps: [] };
    case 'request_contact_info':
      return { kind };
    case 'other':
      return { kind, raw: {} };
    default:
      return { kind, text: '' };
  }
}

/** The words on a button as WhatsApp shows it. */
export function buttonLabel(button: TemplateButton): string {
  switch (button.kind) {
    case 'copy_code':
      return 'Copy code';
    case 'one_time_code':
      return button.text ?? 'Copy code';
    case 'request_contact_info':
      return 'Share phone number';
    case 'other':
      return typeof button.raw.text === 'string' ? button.raw.text : String(button.raw.type ?? '');
    default:
      return button.text;
  }
}

export const EMPTY: TemplateParts = {
  name: '',
  language: 'en_US',
  category: 'utility',
  parameter_format: 'positional',
  header: null,
  body: '',
  samples: [],
  footer: null,
  buttons: [],
  code: null,
  cards: [],
  offer: null,
};

/** What a template is made of beside its text. */
export type TemplateForm = 'message' | 'cards' | 'offer';

export const FORMS: { value: TemplateForm; label: string }[] = [
  { value: 'message', label: 'A message' },
  { value: 'cards', label: 'A message with cards to swipe' },
  { value: 'offer', label: 'An offer for a time' },
];

export const formOf = (parts: TemplateParts): TemplateForm =>
  parts.cards.length > 0 ? 'cards' : parts.offer !== null ? 'offer' : 'message';

/** The kinds of buttons that a card takes, and that an offer takes. */
export const CARD_BUTTONS: ButtonKind[] = ['quick_reply', 'url', 'phone_number'];
export const OFFER_BUTTONS: ButtonKind[] = ['copy_code', 'url'];

/** A card like the one before it: all cards have the same kinds of buttons. */
export const cardLike = (card: TemplateCard | undefined): TemplateCard => ({
  header: { format: card?.header.format === 'video' ? 'video' : 'image', media_id: null },
  body: '',
  samples: [],
  buttons: card === undefined ? [newButton('quick_reply')] : card.buttons,
});

/** What another form keeps of a template. Cards and offers are taken as marketing only. */
export function inForm(parts: TemplateParts, form: TemplateForm): TemplateParts {
  if (form === formOf(parts)) return parts;
  if (form === 'message') return { ...parts, cards: [], offer: null };
  const plain = { ...parts, category: 'marketing' as const, footer: null };
  if (form === 'cards') {
    const first = cardLike(undefined);
    return { ...plain, header: null, buttons: [], cards: [first, first], offer: null };
  }
  const format = parts.header?.format;
  const links = parts.buttons.filter((button) => button.kind === 'url');
  return {
    ...plain,
    header: format === 'image' || format === 'video' ? parts.header : null,
    buttons: [newButton('copy_code'), ...links],
    cards: [],
    offer: { text: '', expires: true },
  };
}

/** What stands between double braces, as the server counts it: numbers in order, names as they come. */
export function placeholders(text: string): string[] {
  const names = [...text.matchAll(/\{\{\s*([^{}]+?)\s*\}\}/g)].map((match) => match[1] ?? '');
  const unique = [...new Set(names)];
  return unique.every((name) => /^\d+$/.test(name))
    ? unique.sort((one, other) => Number(one) - Number(other))
    : unique;
}

/** The name of a variable that is added. */
export function nextName(format: TemplateParts['parameter_format'], names: string[]): string {
  if (format === 'positional') return String(names.length + 1);
  return names.includes('first_name') ? `value_${names.length + 1}` : 'first_name';
}

/** A text with values in place of its variables; one without a value stays. */
export function filled(text: string, values: string[]): string {
  const names = placeholders(text);
  return text.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (gap, name: string) => {
    const value = values[names.indexOf(name)] ?? '';
    return value === '' ? gap : value;
  });
}

/** What another category keeps of a template: one-time codes have a form of their own. */
export function inCategory(parts: TemplateParts, category: TemplateCategory): TemplateParts {
  if (category === 'authentication') {
    return {
      ...parts,
      category,
      header: null,
      body: '',
      samples: [],
      footer: null,
      buttons: [newButton('one_time_code')],
      code: { security_advice: true, expires_in_minutes: 10 },
      cards: [],
      offer: null,
    };
  }
  const buttons = parts.buttons.filter((button) => button.kind !== 'one_time_code');
  return { ...parts, category, buttons, code: null };
}

/** The fields that can fill a variable. */
export const SOURCES: [string, string][] = [
  ['', 'Only the text beside'],
  ['contact.first_name', 'Contact: first name'],
  ['contact.last_name', 'Contact: last name'],
  ['contact.email', 'Contact: e-mail'],
  ['contact.phone', 'Contact: phone'],
  ['contact.external_key', 'Contact: key in another system'],
  ['case.number', 'Case: number'],
  ['case.subject', 'Case: subject'],
  ['agent.name', 'Agent: name'],
  ['workspace.brand', 'Brand'],
];

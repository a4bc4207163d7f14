import type {
  Template,
  TemplateButton,
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
};

/** What stands between double braces, as the server counts it: numbers in order, names as they come. */
export function placeholders(text: string): string[] {
  const names = [...text.matchAll(/\{\{\s*([^{}]+?)\s*\}\}/g)].map((match) => match[1] ?? '');
  const unique = [...new Set(names)];
  return unique.every((name) => /^\d+$/.test(name))
    ? unique.sort((one, other) => Number(one) - Number(other))
    : unique;
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

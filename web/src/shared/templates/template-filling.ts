import type { FilledTemplate } from '@/api/template-types';
import type { OutgoingMessage } from '@/api/types';
import { instant } from '@/lib/local-time';

/** What somebody filled in, by key of the slot; a place for the header. */
export interface Filling {
  values: Record<string, string>;
  files: Record<string, { id: string; name?: string }>;
  place: { latitude: string; longitude: string; name: string; address: string };
  /** When the offer ends, as a field of local time has it. */
  endsAt: string;
}

const NO_PLACE = { latitude: '', longitude: '', name: '', address: '' };

export const NO_FILLING: Filling = { values: {}, files: {}, place: NO_PLACE, endsAt: '' };

/** What a template begins with: the values that are known, and its own files. */
export function beginning(template: FilledTemplate): Filling {
  const own = template.cards.map(
    (card, index) => [`card.${index}.header`, card.header_media_id] as const,
  );
  const files: Filling['files'] = {};
  for (const [key, id] of [['header', template.header_media_id] as const, ...own]) {
    if (id !== null) files[key] = { id };
  }
  return { values: template.values, files, place: NO_PLACE, endsAt: '' };
}

/** Puts values into `{{1}}` or `{{name}}`, in their order; what is still empty stays visible as a gap. */
export function fillTemplate(body: string, parameters: string[]): string {
  const pattern = /\{\{\s*([^{}]+?)\s*\}\}/g;
  const names = [...new Set([...body.matchAll(pattern)].map((match) => match[1] ?? ''))];
  if (names.every((name) => /^\d+$/.test(name))) names.sort((a, b) => Number(a) - Number(b));
  return body.replace(pattern, (gap, name: string) => {
    const value = parameters[names.indexOf(name)] ?? '';
    return value === '' ? gap : value;
  });
}

const value = (filling: Filling, key: string) => (filling.values[key] ?? '').trim();

/** The values of a text, in the order in which they are sent; `place` is empty or `card.0.`. */
export const bodyValues = (template: FilledTemplate, filling: Filling, place = ''): string[] =>
  template.slots
    .filter((slot) => slot.key.startsWith(`${place}body.`))
    .map((slot) => value(filling, slot.key));

const buttonValues = (template: FilledTemplate, filling: Filling, place = '') =>
  template.slots
    .filter((slot) => slot.key.startsWith(`${place}button.`))
    .map((slot) => ({
      index: Number(slot.key.slice(place.length + 'button.'.length)),
      text: value(filling, slot.key),
    }));

/** Whether everything is there that the template needs. */
export function isComplete(template: FilledTemplate, filling: Filling): boolean {
  return template.slots.every((slot) => {
    if (slot.kind === 'file') return filling.files[slot.key] !== undefined;
    if (slot.kind === 'moment') return instant(filling.endsAt) !== null;
    if (slot.kind === 'place') {
      return Object.values(filling.place).every((part) => part.trim() !== '');
    }
    return value(filling, slot.key) !== '';
  });
}

type TemplateContent = Omit<
  Extract<OutgoingMessage, { kind: 'template' }>,
  'client_id' | 'seen_seq'
>;

/** The message as the server takes it. */
export function toContent(template: FilledTemplate, filling: Filling): TemplateContent {
  const header = template.slots.find((slot) => slot.key === 'header');
  const file = filling.files.header;
  const cards = template.cards.map((_, index) => {
    const place = `card.${index}.`;
    return {
      media_id: filling.files[`${place}header`]?.id ?? null,
      parameters: bodyValues(template, filling, place),
      buttons: buttonValues(template, filling, place),
    };
  });
  return {
    kind: 'template',
    template_id: template.id,
    parameters: bodyValues(template, filling),
    header:
      header === undefined
        ? null
        : header.kind === 'file'
          ? file === undefined
            ? null
            : { kind: 'file', media_id: file.id }
          : header.kind === 'place'
            ? { kind: 'place', ...filling.place }
            : { kind: 'text', text: value(filling, 'header') },
    buttons: buttonValues(template, filling),
    ...(cards.length > 0 && { cards }),
    ...(filling.endsAt !== '' && { offer_ends_at: instant(filling.endsAt) }),
  };
}

import type { FilledTemplate } from '@/api/template-types';
import type { OutgoingMessage } from '@/api/types';

/** What somebody filled in, by key of the slot; a file or a place for the header. */
export interface Filling {
  values: Record<string, string>;
  file: { id: string; name?: string } | null;
  place: { latitude: string; longitude: string; name: string; address: string };
}

export const NO_PLACE = { latitude: '', longitude: '', name: '', address: '' };

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

/** The values of the body, in the order in which they are sent. */
export const bodyValues = (template: FilledTemplate, filling: Filling): string[] =>
  template.slots
    .filter((slot) => slot.key.startsWith('body.'))
    .map((slot) => value(filling, slot.key));

/** Whether everything is there that the template needs. */
export function isComplete(template: FilledTemplate, filling: Filling): boolean {
  return template.slots.every((slot) => {
    if (slot.kind === 'file') return filling.file !== null;
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
  const buttons = template.slots
    .filter((slot) => slot.key.startsWith('button.'))
    .map((slot) => ({ index: Number(slot.key.slice(7)), text: value(filling, slot.key) }));
  return {
    kind: 'template',
    template_id: template.id,
    parameters: bodyValues(template, filling),
    header:
      header === undefined
        ? null
        : header.kind === 'file'
          ? filling.file === null
            ? null
            : { kind: 'file', media_id: filling.file.id }
          : header.kind === 'place'
            ? { kind: 'place', ...filling.place }
            : { kind: 'text', text: value(filling, 'header') },
    buttons,
  };
}

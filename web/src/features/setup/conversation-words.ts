import type { BusinessHours, Occasion, OptInRules } from '@/api/conversation-types';

export const OCCASIONS: { key: Occasion; title: string; when: string }[] = [
  { key: 'start', title: 'Start', when: 'When a conversation begins.' },
  { key: 'waiting', title: 'Waiting', when: 'When the customer begins to wait for a person.' },
  {
    key: 'outside_hours',
    title: 'Outside business hours',
    when: 'Instead of the waiting message, when nobody works at this hour.',
  },
  {
    key: 'no_agent',
    title: 'No agent available',
    when: 'Instead of the waiting message, when no agent of the queue is available.',
  },
  {
    key: 'accepted',
    title: 'A person takes over',
    when: 'When an agent takes the conversation, once for each; {agent} is the name.',
  },
  {
    key: 'inactivity',
    title: 'Inactivity',
    when: 'When the customer has been silent for the time set below.',
  },
  { key: 'end', title: 'End', when: 'When the conversation ends while the reply window is open.' },
];

export const OPT_IN_KINDS: { value: OptInRules['kind']; label: string }[] = [
  { value: 'implicit', label: 'Implicit: writing on is agreement' },
  { value: 'explicit', label: 'Explicit: nothing goes on before the customer agrees' },
  { value: 'double', label: 'Double: the customer agrees and confirms it' },
];

/** Minutes after midnight as `09:00`; the end of the day is `24:00`. */
export function clock(minute: number): string {
  const pad = (part: number) => String(part).padStart(2, '0');
  return `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;
}

export function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

/** An example of how a customer reads a text; the server fills it in with what is true then. */
export function example(text: string, brand: string, hours: BusinessHours | null): string {
  const span = hours?.spans[0];
  const when = span === undefined ? '' : `${clock(span.start_minute)}–${clock(span.end_minute)}`;
  return text
    .replaceAll('{name}', 'Maria')
    .replaceAll('{brand}', brand)
    .replaceAll('{agent}', 'Sam')
    .replaceAll('{hours}', when)
    .replaceAll('{opens}', span === undefined ? '' : `Monday, ${clock(span.start_minute)}`);
}

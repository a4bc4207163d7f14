/** What the menu beside the field sends, apart from text, pictures and templates. */
export const EXTRA_LABELS = [
  { kind: 'buttons', label: 'Reply buttons' },
  { kind: 'list', label: 'List of choices' },
  { kind: 'link', label: 'Link button' },
  { kind: 'form', label: 'Form' },
  { kind: 'place', label: 'Location' },
  { kind: 'card', label: 'Contact card' },
  { kind: 'request_place', label: 'Ask for the location' },
  { kind: 'request_contact', label: 'Ask for the phone number' },
] as const;

export type ExtraKind = (typeof EXTRA_LABELS)[number]['kind'];

/** Whether what was typed in the composer is sent with it, so that the draft has done its work. */
export const carriesText = (kind: ExtraKind) => kind !== 'place' && kind !== 'card';

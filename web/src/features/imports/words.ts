import type { Import } from '@/api/types';
import type { Tone } from '@/ui';

export const STATES: Record<Import['state'], { label: string; tone: Tone }> = {
  running: { label: 'Running', tone: 'info' },
  done: { label: 'Done', tone: 'good' },
  failed: { label: 'Stopped', tone: 'bad' },
  undoing: { label: 'Being undone', tone: 'info' },
  undone: { label: 'Undone', tone: 'neutral' },
};

const REASONS: Record<string, string> = {
  phone_missing: 'No phone number',
  phone_invalid: 'Not a phone number of its country',
  phone_without_country: 'Phone number without a country',
  phone_lost_digits: 'The spreadsheet cut digits off the phone number',
  duplicate_in_file: 'The same phone number or external key stands in an earlier row',
  email_invalid: 'Not an email address',
  time_zone_unknown: 'Unknown time zone',
  key_conflict: 'External key and phone number belong to two contacts',
  too_many_attributes: 'More attributes than a contact can have',
  country_unknown: 'Unknown country code',
  consent_date_invalid: 'Date of consent cannot be read or lies in the future',
  attribute_invalid: 'A value that its field does not take',
  too_many_cells: 'More cells than columns',
};

/** Why rows were rejected, in words, the most frequent reason first. */
export function reasons(rejections: Record<string, number>): { reason: string; count: number }[] {
  return Object.entries(rejections)
    .map(([code, count]) => ({ reason: REASONS[code] ?? code.replaceAll('_', ' '), count }))
    .sort((a, b) => b.count - a.count);
}

/** The last day that fields take: a year of more digits is no moment that can be sent. */
const LAST = { date: '9999-12-31', 'datetime-local': '9999-12-31T23:59' } as const;

/** Where fields of this type end; nothing for fields that take no day. */
export const lastOf = (type: string | undefined): string | undefined =>
  type === 'date' || type === 'datetime-local' ? LAST[type] : undefined;

const iso = (at: Date): string | null => (Number.isNaN(at.getTime()) ? null : at.toISOString());

/** Local time as a field of the type datetime-local takes it. */
export function localTime(time: string | null): string {
  if (time === null) return '';
  const at = new Date(time);
  return iso(new Date(at.getTime() - at.getTimezoneOffset() * 60_000))?.slice(0, 16) ?? '';
}

/** The moment of such a field; null when it is empty or cannot be read. */
export const instant = (local: string): string | null => iso(new Date(local));

/** The begin of a local day; null when there is none that can be read. */
export const dayStart = (day: string): string | null => iso(new Date(`${day}T00:00:00`));

/** The begin of the day after. */
export function dayEnd(day: string): string | null {
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + 1);
  return iso(date);
}

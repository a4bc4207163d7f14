/** Local time as a field of the type datetime-local takes it. */
export function localTime(iso: string | null): string {
  if (iso === null) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment of such a field; null when it is empty. */
export const instant = (local: string) => (local === '' ? null : new Date(local).toISOString());

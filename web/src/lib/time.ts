const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDate = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
});
const DATE_AND_TIME = {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
} as const;
const fullDateTime = new Intl.DateTimeFormat(undefined, DATE_AND_TIME);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function formatTime(iso: string): string {
  return clock.format(new Date(iso));
}

export function formatDateTime(iso: string | null): string {
  return iso === null ? '–' : fullDateTime.format(new Date(iso));
}

/** What the clocks of a time zone show at a moment; nothing where this browser does not know the zone. */
export function formatWallTime(iso: string, timeZone: string): string | null {
  try {
    return new Intl.DateTimeFormat(undefined, { ...DATE_AND_TIME, timeZone }).format(new Date(iso));
  } catch {
    return null;
  }
}

/** A moment by the clock of a time zone, which is named; by the reader's own, and so told, where none is known. */
export function formatDateTimeIn(iso: string, timeZone: string | null): string {
  const there = timeZone === null ? null : formatWallTime(iso, timeZone);
  return there === null
    ? `${formatDateTime(iso)} (your own time)`
    : `${there} (${timeZone?.replaceAll('_', ' ')})`;
}

/** A key that is equal for two moments of the same local day. */
export function dayKey(iso: string): string {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

export function formatDay(iso: string, now: number): string {
  const key = dayKey(iso);
  if (key === dayKey(new Date(now).toISOString())) return 'Today';
  if (key === dayKey(new Date(now - DAY).toISOString())) return 'Yesterday';
  return longDate.format(new Date(iso));
}

/** Time of day for today, otherwise the date: what a list row has room for. */
export function formatWhen(iso: string, now: number): string {
  const age = now - Date.parse(iso);
  if (age < MINUTE) return 'now';
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  if (dayKey(iso) === dayKey(new Date(now).toISOString())) return formatTime(iso);
  return shortDate.format(new Date(iso));
}

export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export interface WindowCountdown {
  state: 'open' | 'closing' | 'closed';
  /** `21 h 04 min`, below one hour `42:09`. */
  text: string;
  /** `21 h`, `42 min`: for a list row. */
  short: string;
}

/** What is left of the 24-hour service window at `now`; `null` means it never opened. */
export function windowCountdown(expiresAt: string | null, now: number): WindowCountdown {
  const left = expiresAt === null ? 0 : Date.parse(expiresAt) - now;
  if (left <= 0) return { state: 'closed', text: 'Window closed', short: 'closed' };
  if (left < HOUR) {
    const minutes = Math.floor(left / MINUTE);
    const seconds = Math.floor((left % MINUTE) / 1000);
    return {
      state: 'closing',
      text: `${minutes}:${String(seconds).padStart(2, '0')}`,
      short: `${Math.max(1, minutes)} min`,
    };
  }
  const hours = Math.floor(left / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  return {
    state: 'open',
    text: `${hours} h ${String(minutes).padStart(2, '0')} min`,
    short: `${hours} h`,
  };
}

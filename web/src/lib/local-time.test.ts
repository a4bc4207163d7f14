import { describe, expect, it } from 'vitest';
import { dayEnd, dayStart, instant, lastOf, localTime } from './local-time';

describe('local times', () => {
  it('are read and written back', () => {
    const moment = instant('2026-07-01T09:30');
    expect(moment).toMatch(/^2026-0[67]-\d\dT/);
    expect(localTime(moment)).toBe('2026-07-01T09:30');
    expect(Date.parse(dayEnd('2026-07-01') ?? '') - Date.parse(dayStart('2026-07-01') ?? '')).toBe(
      24 * 3_600_000,
    );
  });

  it('that cannot be read are none, a year of more than four digits among them', () => {
    for (const text of ['', '12026-07-01T09:30', '275761-01-01T00:00']) {
      expect(instant(text)).toBeNull();
    }
    for (const day of ['', '12026-07-01']) {
      expect([dayStart(day), dayEnd(day)]).toEqual([null, null]);
    }
    expect(localTime('never')).toBe('');
  });

  it('end with the year 9999 in fields', () => {
    expect(lastOf('date')).toBe('9999-12-31');
    expect(lastOf('datetime-local')).toBe('9999-12-31T23:59');
    expect(lastOf('text')).toBeUndefined();
  });
});

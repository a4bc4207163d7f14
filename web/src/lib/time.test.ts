import { describe, expect, it } from 'vitest';
import { formatDuration, windowCountdown } from './time';

const now = Date.parse('2026-03-01T12:00:00.000Z');
const inMs = (ms: number) => new Date(now + ms).toISOString();

describe('windowCountdown', () => {
  it('is open above one hour and shows hours and minutes', () => {
    expect(windowCountdown(inMs(21 * 3_600_000 + 4 * 60_000), now)).toEqual({
      state: 'open',
      text: '21 h 04 min',
      short: '21 h',
    });
  });

  it('is closing below one hour and shows seconds', () => {
    expect(windowCountdown(inMs(42 * 60_000 + 9_000), now)).toMatchObject({
      state: 'closing',
      text: '42:09',
      short: '42 min',
    });
  });

  it('is closed at the very moment it expires and when it never opened', () => {
    expect(windowCountdown(inMs(0), now).state).toBe('closed');
    expect(windowCountdown(inMs(1), now).state).toBe('closing');
    expect(windowCountdown(null, now).state).toBe('closed');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [61, '1 min'],
    [7_260, '2 h 1 min'],
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { ClickFigures } from '@/api/link-types';
import { ClickChart } from './ClickChart';

const HOUR = 3_600_000;

function shown(...hours: number[]): string[] {
  const begin = Date.parse('2026-11-26T10:00:00Z');
  const figures: ClickFigures = {
    width: HOUR,
    over_time: hours.map((hour) => ({
      at: new Date(begin + hour * HOUR).toISOString(),
      raw: hour + 1,
      filtered: 0,
      confirmed: 0,
    })),
    devices: [],
    verdicts: [],
  };
  render(<ClickChart figures={figures} />);
  return screen
    .queryAllByRole('listitem')
    .map((each) => each.title.replace(/.*: (\d+) in.*/, '$1'));
}

it('shows the hours without taps between the others', () => {
  expect(shown(0, 3)).toEqual(['1', '0', '0', '4']);
});

it('shows the last two days of what is longer', () => {
  const bars = shown(0, 99, 100);
  expect(bars).toHaveLength(48);
  expect(bars.slice(-2)).toEqual(['100', '101']);
  expect(bars[0]).toBe('0');
});

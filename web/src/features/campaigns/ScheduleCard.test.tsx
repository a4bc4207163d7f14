// @vitest-environment happy-dom
import { act, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Schedule, Workspace } from '@/api/types';
import { useLive } from '@/live';
import { AppTheme } from '@/ui';
import { changeCampaign } from './api';
import { NextRun } from './NextRun';
import { ScheduleCard } from './ScheduleCard';
import { EMPTY_INPUT } from './words';

afterEach(() => vi.unstubAllGlobals());

const WEEKLY: Schedule = {
  ...EMPTY_INPUT.schedule,
  starts_at: '2026-12-01T09:00:00',
  clock: 'recipient',
  repeat: { frequency: 'weekly', interval: 2, count: null, until: null },
};

function shown(onTyped = vi.fn()) {
  const seen: { schedule: Schedule } = { schedule: WEEKLY };
  const Around = () => {
    const [schedule, setSchedule] = useState(WEEKLY);
    seen.schedule = schedule;
    return <ScheduleCard schedule={schedule} onChange={setSchedule} onTyped={onTyped} />;
  };
  render(
    <AppTheme>
      <Around />
    </AppTheme>,
  );
  return seen;
}

const field = () => screen.getByTestId<HTMLInputElement>('schedule-start');
const lastDay = () => screen.getByLabelText<HTMLInputElement>('Last day');

/** Half a date reads as nothing, and the browser says that it cannot be read. */
function half(badInput: boolean, of = field()) {
  vi.spyOn(of, 'validity', 'get').mockReturnValue({ badInput } as ValidityState);
}

describe('the start of a campaign', () => {
  it('keeps the repetition and the clock when it is emptied and filled in again', () => {
    const seen = shown();
    fireEvent.change(field(), { target: { value: '' } });
    expect(seen.schedule.starts_at).toBeNull();
    fireEvent.change(field(), { target: { value: '2026-12-03T09:00' } });
    expect(seen.schedule).toEqual({ ...WEEKLY, starts_at: '2026-12-03T09:00:00' });
  });

  it('stays while a date is half typed', () => {
    const seen = shown();
    half(true);
    fireEvent.change(field(), { target: { value: '' } });
    expect(seen.schedule).toEqual(WEEKLY);
    half(false);
    fireEvent.change(field(), { target: { value: '2026-12-03T09:00' } });
    expect(seen.schedule.starts_at).toBe('2026-12-03T09:00:00');
  });

  it('is sent without repetition and clock when there is none', async () => {
    const sent = vi.fn((_: string, init: { body: string }) => {
      const { schedule } = JSON.parse(init.body) as { schedule: Schedule };
      return Promise.resolve(Response.json(schedule));
    });
    vi.stubGlobal('fetch', sent);
    const input = { ...EMPTY_INPUT, schedule: { ...WEEKLY, starts_at: null } };
    expect(await changeCampaign('cmp_1', input, 1)).toMatchObject({
      repeat: null,
      clock: 'workspace',
    });
  });
});

describe('the last day of a repetition', () => {
  it('stays while a date is half typed', () => {
    const seen = shown();
    fireEvent.change(lastDay(), { target: { value: '2027-03-01' } });
    half(true, lastDay());
    fireEvent.change(lastDay(), { target: { value: '' } });
    expect(seen.schedule.repeat?.until).toBe('2027-03-01');
    expect(screen.getByText(/no whole date yet/)).toBeTruthy();
    half(false, lastDay());
    fireEvent.change(lastDay(), { target: { value: '2027-03-02' } });
    expect(seen.schedule.repeat?.until).toBe('2027-03-02');
  });
});

describe('dates that are half typed', () => {
  it('are told until both are whole, or gone', () => {
    const onTyped = vi.fn();
    shown(onTyped);
    half(true, lastDay());
    fireEvent.blur(lastDay());
    expect(onTyped).toHaveBeenLastCalledWith('half');
    half(true);
    fireEvent.change(field(), { target: { value: '' } });
    fireEvent.blur(field());
    expect(onTyped).toHaveBeenLastCalledWith('half');
    fireEvent.change(screen.getByTestId('schedule-repeat'), { target: { value: '' } });
    expect(onTyped).toHaveBeenLastCalledWith('whole');
  });
});

describe('the hours of a campaign', () => {
  it('stay while a time is emptied', () => {
    const seen = shown();
    fireEvent.click(screen.getByTestId('schedule-window'));
    const from = screen.getByLabelText<HTMLInputElement>('From');
    fireEvent.change(from, { target: { value: '' } });
    expect([from.value, seen.schedule.window?.from]).toEqual(['', '09:00:00']);
    fireEvent.blur(from);
    expect(from.value).toBe('09:00');
    fireEvent.change(from, { target: { value: '10:30' } });
    expect(seen.schedule.window).toEqual({ from: '10:30:00', until: '18:00:00' });
  });
});

describe('the clock of the times', () => {
  const inAuckland = () =>
    act(() => useLive.setState({ workspace: { time_zone: 'Pacific/Auckland' } as Workspace }));
  afterEach(() => act(() => useLive.setState({ workspace: null })));

  it('is named where they are entered', () => {
    inAuckland();
    const { rerender } = render(
      <AppTheme>
        <ScheduleCard schedule={{ ...WEEKLY, clock: 'workspace' }} onChange={vi.fn()} />
      </AppTheme>,
    );
    screen.getByText(/^By the clock of the workspace, Pacific\/Auckland\./);
    rerender(
      <AppTheme>
        <ScheduleCard schedule={WEEKLY} onChange={vi.fn()} />
      </AppTheme>,
    );
    screen.getByText(/^Start and last day by each recipient’s own clock, hours by the clock of/);
  });

  it('is the one that the next run is told by, and is named', () => {
    inAuckland();
    render(<NextRun at="2026-11-30T20:05:00Z" clock="workspace" />);
    const text = screen.getByTestId('campaign-next-run').textContent;
    expect(text).toContain('(Pacific/Auckland)');
    // The first of December, five past nine in the morning there.
    expect(text).toMatch(/\b0?1\b.*0?9:05/);
  });

  it('is that of each recipient where the campaign goes by theirs', () => {
    inAuckland();
    // Nine in the morning of the first of December where it is so first, at fourteen hours before UTC.
    render(<NextRun at="2026-11-30T19:00:00Z" clock="recipient" />);
    const text = screen.getByTestId('campaign-next-run').textContent;
    expect(text).toMatch(/\b0?1\b.*0?9:00.* by each recipient’s own clock$/);
    expect(text).not.toContain('Pacific');
  });
});

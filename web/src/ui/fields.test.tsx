// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState, type ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppTheme, DateField, MomentField, NumberField } from '.';

const field = () => screen.getByLabelText<HTMLInputElement>('Field');
const type = (value: string) => fireEvent.change(field(), { target: { value } });

/** Half a date reads as nothing, and the browser says that it cannot be read. */
function half(badInput: boolean) {
  vi.spyOn(field(), 'validity', 'get').mockReturnValue({ badInput } as ValidityState);
}

/** Shows a field over what it began with; gives what was told. */
function shown<T>(first: T, show: (value: T, onValue: (value: T) => void) => ReactNode) {
  const told: T[] = [];
  const Around = () => {
    const [value, setValue] = useState(first);
    return show(value, (next) => {
      told.push(next);
      setValue(next);
    });
  };
  render(
    <AppTheme>
      <Around />
    </AppTheme>,
  );
  return told;
}

describe('a date', () => {
  const onTyped = vi.fn();
  const date = (first: string) =>
    shown(first, (value, onDate) => (
      <DateField label="Field" type="date" value={value} onDate={onDate} onTyped={onTyped} />
    ));

  beforeEach(() => onTyped.mockReset());

  it('that is half typed is not told, and is said to be none yet', () => {
    const told = date('');
    type('2026-12-03');
    half(true);
    type('');
    expect(told).toEqual(['2026-12-03']);
    expect(screen.getByText(/no whole date yet/)).toBeTruthy();
    expect(onTyped.mock.calls).toEqual([['half']]);
    half(false);
    type('2026-12-04');
    expect(told).toEqual(['2026-12-03', '2026-12-04']);
    expect(screen.queryByText(/no whole date yet/)).toBeNull();
    expect(onTyped).toHaveBeenLastCalledWith('whole');
  });

  it('goes back to the one before when the field is left half typed', () => {
    date('2026-12-03');
    half(true);
    type('');
    fireEvent.blur(field());
    expect(field().value).toBe('2026-12-03');
    expect(onTyped).toHaveBeenLastCalledWith('whole');
  });

  it('that is half typed into an empty field is said to be none yet, though browsers tell nothing of it', () => {
    const told = date('');
    half(true);
    fireEvent.blur(field());
    expect(screen.getByText(/no whole date yet/)).toBeTruthy();
    expect(onTyped.mock.calls).toEqual([['half']]);
    half(false);
    fireEvent.keyUp(field(), { key: 'Backspace' });
    expect(screen.queryByText(/no whole date yet/)).toBeNull();
    expect(onTyped).toHaveBeenLastCalledWith('whole');
    half(true);
    fireEvent.keyUp(field(), { key: '1' });
    expect(onTyped).toHaveBeenLastCalledWith('half');
    expect(told.every((each) => each === '')).toBe(true);
  });

  it('is none when it is taken away part by part', () => {
    const told = date('2026-12-03');
    half(true);
    type('');
    half(false);
    fireEvent.blur(field());
    expect(told).toEqual(['']);
    expect(field().value).toBe('');
    expect(onTyped).toHaveBeenLastCalledWith('whole');
  });

  it('holds nothing back when its field is gone', () => {
    date('');
    half(true);
    fireEvent.blur(field());
    cleanup();
    expect(onTyped.mock.calls).toEqual([['half'], ['whole']]);
  });

  it('can be left out', () => {
    const told = date('2026-12-03');
    type('');
    expect(told).toEqual(['']);
    expect(screen.queryByText(/no whole date yet/)).toBeNull();
  });
});

describe('a moment', () => {
  const zone = process.env.TZ;
  beforeEach(() => void (process.env.TZ = 'Europe/Berlin'));
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it('keeps its minutes while the year is typed', () => {
    const told = shown<string | null>('2026-07-01T07:30:00Z', (value, onMoment) => (
      <MomentField label="Field" value={value} onMoment={onMoment} />
    ));
    expect(field().value).toBe('2026-07-01T09:30');
    // A browser tells each year on the way; Berlin had a clock of its own until 1893.
    for (const year of ['0002', '0020', '0202', '2027']) {
      type(`${year}-07-01T09:30`);
      expect(field().value).toBe(`${year}-07-01T09:30`);
    }
    expect(told.at(-1)).toBe('2027-07-01T07:30:00.000Z');
    type('');
    expect(told.at(-1)).toBeNull();
  });
});

describe('a number', () => {
  it('stays while the field is empty, and what is typed then is not put behind it', () => {
    const told = shown(1, (value, onNumber) => (
      <NumberField label="Field" min={1} max={50} value={value} onNumber={onNumber} />
    ));
    type('');
    expect(field().value).toBe('');
    type('6');
    expect(field().value).toBe('6');
    type('');
    type('0');
    fireEvent.blur(field());
    expect(field().value).toBe('6');
    type('60');
    expect(field().value).toBe('50');
    expect(told).toEqual([6, 50]);
  });
});

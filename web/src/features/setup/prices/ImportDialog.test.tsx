// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ImportDialog } from './ImportDialog';

afterEach(() => vi.unstubAllGlobals());

it('checks no list while its first day is half typed, and keeps the day for a second look', async () => {
  const asked: unknown[] = [];
  vi.stubGlobal('fetch', (_: string, init: { body: string }) => {
    asked.push(JSON.parse(init.body));
    const problems = [{ table: null, line: 2, message: 'This is no price.' }];
    return Promise.resolve(Response.json({ card: null, problems, changes: [], replaces: false }));
  });
  render(
    <AppTheme>
      <ImportDialog onClose={() => undefined} onDone={() => Promise.resolve()} />
    </AppTheme>,
  );
  await userEvent.type(screen.getByTestId('price-name'), 'Spring');
  await userEvent.type(screen.getByTestId('price-currency'), 'usd');
  fireEvent.change(screen.getByTestId('price-table'), { target: { value: 'market,category' } });
  const day = screen.getByTestId<HTMLInputElement>('price-day');
  const typed = vi.spyOn(day, 'validity', 'get');
  typed.mockReturnValue({ badInput: true, valid: false } as ValidityState);
  fireEvent.blur(day);
  screen.getByText(/no whole date yet/);
  expect(screen.getByTestId('price-check')).toHaveProperty('disabled', true);
  typed.mockRestore();
  fireEvent.change(day, { target: { value: '2027-01-01' } });
  await userEvent.click(screen.getByTestId('price-check'));
  await screen.findByText('Line 2: This is no price.');
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ name: 'Spring', currency: 'USD', valid_from: '2027-01-01' });
  await waitFor(() =>
    expect(screen.getByTestId<HTMLInputElement>('price-day').value).toBe('2027-01-01'),
  );
});

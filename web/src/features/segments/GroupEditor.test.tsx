// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import type { SegmentGroup, SegmentRow } from '@/api/types';
import { AppTheme } from '@/ui';
import { GroupEditor } from './GroupEditor';
import { emptyRow } from './words';

afterEach(() => vi.unstubAllGlobals());

const serving = (lists: unknown[]) =>
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data: lists, next_cursor: null })));

/** Shows one row; gives what it has become. */
function shown(row: SegmentRow, lists: unknown[] = [], serve = () => serving(lists)) {
  serve();
  const seen = { row };
  const Around = () => {
    const [group, setGroup] = useState<SegmentGroup>({ join: 'all', items: [{ row }] });
    const [item] = group.items;
    if (item !== undefined && 'row' in item) seen.row = item.row;
    return <GroupEditor group={group} onChange={setGroup} depth={0} />;
  };
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <Around />
      </AppTheme>
    </QueryClientProvider>,
  );
  return seen;
}

const value = () => screen.getByTestId<HTMLInputElement>('segment-value');

it('takes no blank value from a comma at the end, which can be taken back', async () => {
  const seen = shown({ ...emptyRow('field'), name: 'city', operator: 'is_any_of' });
  await userEvent.type(value(), 'Berlin,');
  expect(value().value).toBe('Berlin,');
  expect(seen.row.values).toEqual(['Berlin']);
  await userEvent.type(value(), '{Backspace}');
  expect(value().value).toBe('Berlin');
  await userEvent.type(value(), ', Bad Homburg');
  expect(seen.row.values).toEqual(['Berlin', 'Bad Homburg']);
});

it('keeps the days of an age while they are emptied', () => {
  const seen = shown({ ...emptyRow('created'), days: 30 });
  const days = screen.getByRole<HTMLInputElement>('spinbutton');
  fireEvent.change(days, { target: { value: '' } });
  expect([days.value, seen.row.days]).toEqual(['', 30]);
  fireEvent.change(days, { target: { value: '7' } });
  expect([days.value, seen.row.days]).toEqual(['7', 7]);
});

it('asks for no blank value when a row is to have several', async () => {
  const seen = shown({ ...emptyRow('field'), name: 'city' });
  await userEvent.selectOptions(screen.getByTestId('segment-operator'), 'is_any_of');
  expect(seen.row.values).toEqual([]);
  await userEvent.type(value(), 'Berlin, Rome');
  await userEvent.selectOptions(screen.getByTestId('segment-operator'), 'is');
  expect(seen.row.values).toEqual(['Berlin, Rome']);
});

it.each(['expired', 'in_review'])('shows the consent that is asked for: %s', (state) => {
  shown({ ...emptyRow('consent'), values: [state] });
  expect(screen.getByLabelText<HTMLSelectElement>('Consent').value).toBe(state);
});

it('shows a list that is not among the known as such', async () => {
  shown({ ...emptyRow('list'), values: ['lst_9'] }, [{ id: 'lst_1', name: 'Buyers' }]);
  const field = screen.getByLabelText<HTMLSelectElement>('List');
  await waitFor(() => expect(field.textContent).toContain('Buyers'));
  expect(field.value).toBe('lst_9');
  expect(field.selectedOptions[0]?.textContent).toContain('not there');
});

const ORDERS = {
  id: 'tbl_1',
  name: 'orders',
  label: 'Orders',
  link: { column: 'phone', by: 'phone' },
  columns: [{ name: 'bought', label: 'Bought', kind: 'date', choices: [], is_key: false }],
};

/** A row about orders whose day is asked something. */
const bought = (test: {
  operator: 'since' | 'in_last_days';
  values: string[];
  days: number | null;
}) => ({
  ...emptyRow('table'),
  name: 'orders',
  having: [{ column: 'bought', ignore_case: false, ...test }],
});

it('goes on with the day before while another is half typed', async () => {
  const seen = shown(bought({ operator: 'since', values: ['2026-11-01'], days: null }), [ORDERS]);
  const day = await screen.findByTestId<HTMLInputElement>('segment-column-value');
  vi.spyOn(day, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.change(day, { target: { value: '' } });
  expect(seen.row.having?.[0]?.values).toEqual(['2026-11-01']);
  screen.getByText(/no whole date yet/);
});

it('keeps the days of a column while they are emptied', async () => {
  const seen = shown(bought({ operator: 'in_last_days', values: [], days: 30 }), [ORDERS]);
  const days = await screen.findByRole<HTMLInputElement>('spinbutton');
  fireEvent.change(days, { target: { value: '' } });
  expect([days.value, seen.row.having?.[0]?.days]).toEqual(['', 30]);
  fireEvent.change(days, { target: { value: '7' } });
  expect(seen.row.having?.[0]?.days).toBe(7);
});

it('says when there is nothing to choose from because it cannot be read', async () => {
  const away = () =>
    vi.stubGlobal('fetch', () =>
      Promise.resolve(
        Response.json({ title: 'Busy', detail: 'The database is away.' }, { status: 503 }),
      ),
    );
  shown(emptyRow('list'), [], away);
  await screen.findByText(/The database is away/);
  cleanup();
  shown(emptyRow('table'), [], away);
  await screen.findByText(/The database is away/);
});

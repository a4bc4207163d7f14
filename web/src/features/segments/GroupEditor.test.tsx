// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import type { SegmentGroup, SegmentRow } from '@/api/types';
import { AppTheme } from '@/ui';
import { GroupEditor } from './GroupEditor';
import { emptyRow } from './words';

afterEach(() => vi.unstubAllGlobals());

/** Shows one row; gives what it has become. */
function shown(row: SegmentRow, lists: unknown[] = []) {
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data: lists, next_cursor: null })));
  const seen = { row };
  const Around = () => {
    const [group, setGroup] = useState<SegmentGroup>({ join: 'all', items: [{ row }] });
    const [item] = group.items;
    if (item !== undefined && 'row' in item) seen.row = item.row;
    return <GroupEditor group={group} onChange={setGroup} depth={0} />;
  };
  render(
    <QueryClientProvider client={new QueryClient()}>
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

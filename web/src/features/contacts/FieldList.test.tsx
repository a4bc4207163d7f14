// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import * as api from './api';
import { FieldList } from './FieldList';

vi.mock('./api', () => ({
  fetchAttributes: vi.fn(),
  defineAttribute: vi.fn(),
  forgetAttribute: vi.fn(),
}));
vi.mock('@tanstack/react-router', () => ({ Link: 'a' }));

const city = {
  name: 'home_city',
  label: 'Home city',
  kind: 'choice' as const,
  choices: ['Rome', 'Oslo'],
  created_at: '2026-03-01T12:00:00.000Z',
};

beforeEach(() => {
  vi.resetAllMocks();
  vi.mocked(api.fetchAttributes).mockResolvedValue({ data: [city], next_cursor: null });
  vi.mocked(api.defineAttribute).mockResolvedValue(city);
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <FieldList />
      </AppTheme>
    </QueryClientProvider>,
  );
});

const type = (label: string) =>
  fireEvent.change(screen.getByTestId('field-label'), { target: { value: label } });

it('a new field does not change one that is there', async () => {
  await screen.findByText('Home city');
  await userEvent.click(screen.getByTestId('field-new'));
  await screen.findByTestId('field-label');
  type(' home-City ');
  expect(screen.getByText(/There is already a field “Home city”/)).toBeTruthy();
  fireEvent.submit(screen.getByTestId('field-label').closest('form') as HTMLFormElement);
  expect(api.defineAttribute).not.toHaveBeenCalled();
  type('Home town');
  await userEvent.click(screen.getByTestId('field-save'));
  await waitFor(() => expect(api.defineAttribute).toHaveBeenCalledOnce());
});

it('one that is there is changed', async () => {
  await userEvent.click(await screen.findByText('Change'));
  await userEvent.click(await screen.findByTestId('field-save'));
  await waitFor(() =>
    expect(api.defineAttribute).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ label: 'Home city' }),
    ),
  );
});

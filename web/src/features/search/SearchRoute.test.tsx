// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { dayStart } from '@/lib/local-time';
import { AppTheme } from '@/ui';
import { SearchRoute } from './SearchRoute';

const navigate = vi.hoisted(() => vi.fn());
vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#there">{children}</a>,
  useNavigate: () => navigate,
  useSearch: () => ({ q: 'tents', agent: 'usr_1', from: '2026-11-01' }),
}));

afterEach(() => vi.unstubAllGlobals());

it('finds by what stands in the address, and writes there what is chosen', async () => {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(new URL(url, 'http://localhost').searchParams);
    return Promise.resolve(Response.json({ data: [], next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <SearchRoute />
      </AppTheme>
    </QueryClientProvider>,
  );
  await waitFor(() => expect(asked).toHaveLength(1));
  expect([asked[0]?.get('agent_id'), asked[0]?.get('from')]).toEqual([
    'usr_1',
    dayStart('2026-11-01'),
  ]);
  fireEvent.change(screen.getByTestId('search-until'), { target: { value: '2026-11-20' } });
  expect(navigate).toHaveBeenLastCalledWith({
    to: '/search',
    search: { q: 'tents', agent: 'usr_1', from: '2026-11-01', until: '2026-11-20' },
    replace: true,
  });
  // Half a day is no wish to have none: the one before counts, and the field says so.
  const from = screen.getByTestId('search-from');
  const typed = vi.spyOn(from as HTMLInputElement, 'validity', 'get');
  typed.mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.change(from, { target: { value: '' } });
  expect(navigate.mock.lastCall?.[0]).toMatchObject({ search: { from: '2026-11-01' } });
  screen.getByText(/no whole date yet/);
  typed.mockReturnValue({ badInput: false } as ValidityState);
  fireEvent.change(from, { target: { value: '2026-11-02' } });
  expect(navigate.mock.lastCall?.[0]).toMatchObject({ search: { from: '2026-11-02' } });
  // A day that is taken away leaves the address, too.
  fireEvent.change(from, { target: { value: '' } });
  expect((navigate.mock.lastCall?.[0] as { search: unknown }).search).toEqual({
    q: 'tents',
    agent: 'usr_1',
    until: '2026-11-20',
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { contactSearch, keptSearch, type ContactSearch } from './address';
import { ContactList } from './ContactList';

/** Stands for the address: who navigates changes it, and so does the way back. */
const bar = vi.hoisted(() => ({
  search: {} as Record<string, unknown>,
  shown: new Set<() => void>(),
}));
function go(search: ContactSearch) {
  bar.search = { ...search };
  bar.shown.forEach((tell) => tell());
}
vi.mock('@tanstack/react-router', async () => {
  const { useSyncExternalStore } = await import('react');
  return {
    Link: ({ children }: { children: ReactNode }) => <a href="#there">{children}</a>,
    useNavigate:
      () =>
      ({ to, search }: { to: string; search: ContactSearch }) => {
        if (to === '/contacts') queueMicrotask(() => act(() => go(search)));
        return Promise.resolve();
      },
    useSearch: () =>
      useSyncExternalStore(
        (tell) => {
          bar.shown.add(tell);
          return () => bar.shown.delete(tell);
        },
        () => bar.search,
      ),
  };
});

afterEach(() => vi.unstubAllGlobals());

const oslo = { field: 'city', op: 'equals', value: 'Oslo' } as const;

it('shows what the address asks for, and writes there what is chosen', async () => {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (pathname.endsWith('/contacts')) asked.push(searchParams);
    return Promise.resolve(Response.json({ data: [], next_cursor: null }));
  });
  bar.search = { q: 'Ana', filters: [oslo], sort: 'oldest' };
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactList />
      </AppTheme>
    </QueryClientProvider>,
  );
  // As after a reload, or for whom the address was sent to.
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.get('search')).toBe('Ana');
  expect(asked[0]?.get('filters')).toBe(JSON.stringify([oslo]));
  expect(asked[0]?.get('sort')).toBe('oldest');

  await userEvent.type(screen.getByTestId('contact-search'), 'stasia');
  expect(screen.getByTestId('contact-search')).toHaveProperty('value', 'Anastasia');
  await waitFor(() =>
    expect(bar.search).toEqual({ q: 'Anastasia', filters: [oslo], sort: 'oldest' }),
  );
  await userEvent.click(screen.getByRole('button', { name: /Remove filter/ }));
  await waitFor(() => expect(bar.search).toEqual({ q: 'Anastasia', sort: 'oldest' }));

  // The link to all contacts, and the way back.
  act(() => go({}));
  expect(screen.getByTestId('contact-search')).toHaveProperty('value', '');
  act(() => go({ q: 'Ben', filters: [oslo] }));
  expect(screen.getByTestId('contact-search')).toHaveProperty('value', 'Ben');
  await waitFor(() => expect(asked.at(-1)?.get('search')).toBe('Ben'));
});

it('takes nothing from an address that it cannot read', () => {
  const wrong = {
    q: 12,
    list: 3,
    filters: [oslo, { field: 'city', op: 'is', value: 'x' }, null],
    sort: 'up',
  };
  expect(contactSearch(wrong)).toEqual({ q: '12', filters: [oslo] });
  expect(contactSearch({ filters: 'all' })).toEqual({});
});

it('a list of the address that is not there can be seen and chosen away', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data: [], next_cursor: null })));
  bar.search = { list: 'lst_gone' };
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactList />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText('A list that is not among these');
  const field = screen.getByLabelText<HTMLSelectElement>('Contact list');
  expect(field.value).toBe('lst_gone');
  expect(keptSearch(undefined)).toEqual({ list: 'lst_gone' });
  await userEvent.selectOptions(field, 'All lists');
  await waitFor(() => expect(bar.search).toEqual({}));
  expect(screen.queryByText('A list that is not among these')).toBeNull();
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { DuplicateList } from './DuplicateList';

vi.mock('./use-may-merge', () => ({ useMayMerge: () => true }));
vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#there">{children}</a>,
}));

afterEach(() => vi.unstubAllGlobals());

it('says when the last search cannot be read, and reads it when asked again', async () => {
  let down = true;
  vi.stubGlobal('fetch', (url: string) => {
    if (!url.endsWith('/duplicates/search'))
      return Promise.resolve(Response.json({ data: [], next_cursor: null }));
    const problem = { title: 'Busy', detail: 'The database is away.' };
    return Promise.resolve(
      down ? Response.json(problem, { status: 503 }) : Response.json({ search: null }),
    );
  });
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <DuplicateList />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText(/The database is away/);
  down = false;
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await screen.findByText('Nobody has looked yet');
});

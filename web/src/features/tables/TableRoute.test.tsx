// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { TableRoute } from './TableRoute';

vi.mock('./use-may-define', () => ({ useMayDefine: () => true }));
vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#there">{children}</a>,
  useNavigate: () => vi.fn(),
  useParams: () => ({ tableId: 'tbl_1' }),
}));

afterEach(() => vi.unstubAllGlobals());

const column = (name: string, kind: string) => ({
  name,
  label: name,
  kind,
  choices: [],
  is_key: false,
});
const TABLE = {
  id: 'tbl_1',
  name: 'orders',
  label: 'Orders',
  columns: [column('bought', 'date'), column('sent', 'date')],
  link: null,
  row_count: 3,
  version: 1,
};

it('goes on with the day before while another is half typed', async () => {
  const asked: (string | null)[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (!pathname.endsWith('/rows')) return Promise.resolve(Response.json(TABLE));
    asked.push(searchParams.get('condition'));
    return Promise.resolve(Response.json({ data: [], next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <TableRoute />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.selectOptions(await screen.findByTestId('filter-column'), 'bought');
  const day = () => screen.getByTestId<HTMLInputElement>('filter-value');
  fireEvent.change(day(), { target: { value: '2026-11-01' } });
  await waitFor(() => expect(asked.at(-1)).toContain('2026-11-01'));
  vi.spyOn(day(), 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.change(day(), { target: { value: '' } });
  screen.getByText(/no whole date yet/);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(asked.at(-1)).toContain('2026-11-01');
  // Another column begins with a field of its own.
  await userEvent.selectOptions(screen.getByTestId('filter-column'), 'sent');
  expect(screen.queryByText(/no whole date yet/)).toBeNull();
});

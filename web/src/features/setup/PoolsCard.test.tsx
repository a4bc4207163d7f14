// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { PoolsCard } from './PoolsCard';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

it('deletes a pool only after saying what is lost', async () => {
  const pool = { id: 'spl_1', name: 'Europe', sender_ids: [], numbers: 3 };
  const deleted: string[] = [];
  vi.stubGlobal('fetch', (path: string, init: { method: string }) => {
    if (init.method === 'DELETE') deleted.push(path);
    return Promise.resolve(Response.json({ data: [pool], next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <PoolsCard senders={[]} channels={[]} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.click(await screen.findByTestId('pool'));
  await userEvent.click(await screen.findByTestId('pool-delete'));
  await screen.findByText(/3 people keep the sender they were first texted from/);
  expect(deleted).toEqual([]);
  await userEvent.click(screen.getByTestId('confirm-pool-delete'));
  await waitFor(() => expect(deleted).toEqual(['/api/v1/sender-pools/spl_1']));
  await waitFor(() => expect(screen.queryByTestId('pool-save')).toBeNull());
});

it('keeps what was typed when the pool is not deleted after all', async () => {
  const pool = { id: 'spl_1', name: 'Europe', sender_ids: [], numbers: 0 };
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data: [pool], next_cursor: null })));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <PoolsCard senders={[]} channels={[]} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.click(await screen.findByTestId('pool'));
  await userEvent.type(await screen.findByLabelText('Name'), ' and more');
  await userEvent.click(screen.getByTestId('pool-delete'));
  await userEvent.click(await screen.findByText('Keep as it is'));
  await waitFor(() => expect(screen.queryByTestId('confirm-pool-delete')).toBeNull());
  expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('Europe and more');
});

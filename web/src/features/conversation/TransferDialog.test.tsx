// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import type { Queue } from '@/api/types';
import { changeLive, resetLive } from '@/live';
import { session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { TransferDialog } from './TransferDialog';

afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

const queue = (waiting: number) => ({ id: 'que_1', name: 'Sales', waiting }) as unknown as Queue;

function show(answer: Response) {
  changeLive((data) => ({ ...data, queues: [queue(0)] }));
  vi.stubGlobal('fetch', () => Promise.resolve(answer));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <TransferDialog session={session()} onClose={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
}

it('tells how many wait now, not how many did when the console began', async () => {
  show(Response.json({ data: [queue(7)], next_cursor: null }));
  expect(screen.queryByText('nobody waiting')).toBeNull();
  await screen.findByText('7 waiting');
});

it('offers the queues also where the numbers are not to be had', async () => {
  show(Response.json({ title: 'Not allowed' }, { status: 403 }));
  await screen.findByText('Sales');
  expect(screen.queryByText('nobody waiting')).toBeNull();
});

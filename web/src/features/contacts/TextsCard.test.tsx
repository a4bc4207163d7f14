// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TextFile } from '@/api/types';
import { AppTheme } from '@/ui';
import { TextsCard } from './TextsCard';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.unstubAllGlobals());

const FILE = { id: 'med_1', mime: 'image/png', size: 3, file_name: null, failure: null };
const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

it('follows a file that is being checked until the check is over', async () => {
  let presence: TextFile['presence'] = 'checking';
  const asked = vi.fn(() => {
    const text = {
      id: 'txt_1',
      sender: '+15550100000',
      text: '',
      outcome: 'none',
      received_at: '2026-11-26T10:00:00Z',
      files: [{ ...FILE, presence }],
    };
    return Promise.resolve(Response.json({ data: [text], next_cursor: null }));
  });
  vi.stubGlobal('fetch', asked);
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <TextsCard contactId="con_1" />
      </AppTheme>
    </QueryClientProvider>,
  );
  await wait(100);
  expect(screen.getByText('A file is being checked for viruses…')).toBeTruthy();
  presence = 'unchecked';
  await wait(4_000);
  expect(screen.getByText(/could not be checked for viruses/)).toBeTruthy();
  asked.mockClear();
  await wait(10_000);
  expect(asked).not.toHaveBeenCalled();
});

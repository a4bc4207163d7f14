// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { DeadLettersSection } from './DeadLettersSection';

afterEach(() => vi.unstubAllGlobals());

it('shows what is older than the first page', async () => {
  const letter = (id: string, reason: string) => ({
    id,
    source: 'outbox',
    reason,
    created_at: '2026-11-01T10:00:00Z',
    resolution: null,
  });
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      Response.json(
        url.includes('cursor=older')
          ? { data: [letter('dl_1', 'The oldest')], next_cursor: null }
          : { data: [letter('dl_2', 'The newest')], next_cursor: 'older' },
      ),
    ),
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <DeadLettersSection />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText('The newest');
  await userEvent.click(screen.getByTestId('dead-letters-more'));
  await screen.findByText('The oldest');
  expect(screen.getByText('The newest')).toBeTruthy();
  expect(screen.queryByTestId('dead-letters-more')).toBeNull();
});

it('shows what waits for a decision, and all when it is asked for', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    const query = new URL(url, 'http://localhost').searchParams;
    asked.push(query.get('state') ?? '');
    return Promise.resolve(Response.json({ data: [], next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <DeadLettersSection />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText('Nothing waits for a decision.');
  await userEvent.selectOptions(screen.getByTestId('dead-letters-state'), 'all');
  await screen.findByText('All work went through.');
  expect(asked).toEqual(['open', 'all']);
});

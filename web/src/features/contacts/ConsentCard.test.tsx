// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ConsentCard } from './ConsentCard';

afterEach(() => vi.unstubAllGlobals());

const event = (id: string, actor: string) => ({
  id,
  action: 'grant',
  channel: 'sms',
  address: '+15550100001',
  purpose: 'marketing',
  scope: 'all',
  method: 'agent',
  actor,
  occurred_at: '2026-03-01T12:00:00.000Z',
  wording: null,
  wording_hash: null,
  proof: null,
  context: null,
  expires_at: null,
});

it('the record of a contact can be read to its first entry', async () => {
  vi.stubGlobal('fetch', (path: string) =>
    Promise.resolve(
      Response.json(
        path.includes('cursor=older')
          ? { data: [event('evt_1', 'Ada')], next_cursor: null }
          : { data: [event('evt_2', 'Ben')], next_cursor: 'older' },
      ),
    ),
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ConsentCard contactId="con_1" />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText(/By Ben/);
  expect(screen.queryByText(/By Ada/)).toBeNull();
  await userEvent.click(screen.getByTestId('consent-more'));
  await screen.findByText(/For \+1 555 010 0001 · By Ada/);
  expect(screen.getAllByTestId('consent-event')).toHaveLength(2);
  expect(screen.queryByTestId('consent-more')).toBeNull();
});

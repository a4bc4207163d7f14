// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { changeLive, resetLive } from '@/live';
import { agentUser } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { RecipientTable } from './RecipientTable';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#contact">{children}</a>,
}));

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

const ROW = {
  contact_id: 'con_1',
  phone: '+15550100001',
  state: 'sent',
  reason: null,
  route: null,
  sent_at: null,
  first_tap_at: null,
  first_tap_device: null,
  first_tap_link: null,
  session_id: null,
};

const wait = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

/** Shows the table; gives how often recipients were asked for. */
async function shown(is: 'alive' | 'over', session: string | null = null, tap = {}) {
  const asked = vi.fn(() =>
    Promise.resolve(
      Response.json({
        data: [
          { position: asked.mock.calls.length, name: 'Ana', ...ROW, session_id: session, ...tap },
        ],
        next_cursor: 'more',
      }),
    ),
  );
  vi.stubGlobal('fetch', asked);
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <RecipientTable campaignId="cmp_1" is={is} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await wait(100);
  return asked;
}

describe('recipients', () => {
  it('are asked for every few seconds while the campaign goes on, seldom when it is over', async () => {
    const alive = await shown('alive');
    await wait(11_000);
    expect(alive).toHaveBeenCalledTimes(3);
    cleanup();
    const over = await shown('over');
    await wait(11_000);
    expect(over).toHaveBeenCalledTimes(1);
  });

  it('show on what and on which link the first tap was', async () => {
    await shown('over', null, { first_tap_device: 'android', first_tap_link: 2 });
    expect(screen.queryAllByText('Android phone, link 2')).toHaveLength(1);
  });

  it('wait for “Refresh” when many pages are shown', async () => {
    const asked = await shown('alive');
    for (let page = 2; page <= 4; page += 1) {
      fireEvent.click(screen.getByText('Show more'));
      await wait(100);
    }
    asked.mockClear();
    await wait(30_000);
    expect(asked).not.toHaveBeenCalled();
    fireEvent.click(screen.getByTestId('recipients-refresh'));
    await wait(1_000);
    expect(asked).toHaveBeenCalledTimes(4);
  });
});

describe('the chat of a recipient', () => {
  it.each([
    ['agent', 1],
    ['marketer', 0],
  ] as const)('can be opened by those who answer chats: %s', async (role, links) => {
    changeLive((data) => ({ ...data, user: { ...agentUser, role } }));
    await shown('over', 'ses_1');
    expect(screen.queryAllByText('Open', { selector: 'a' })).toHaveLength(links);
    expect(screen.queryAllByText('Opened')).toHaveLength(1 - links);
  });
});

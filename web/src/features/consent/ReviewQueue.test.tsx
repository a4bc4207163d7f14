// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ConsentReview } from '@/api/types';
import { startHotkeys } from '@/lib/hotkeys';
import { AppTheme } from '@/ui';
import { ReviewQueue } from './ReviewQueue';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#contact">{children}</a>,
}));

afterEach(() => vi.unstubAllGlobals());

const review = (id: string, text: string): ConsentReview => ({
  id,
  channel: 'sms',
  address: '+15550100001',
  contact_id: null,
  contact_name: null,
  sender: '+15550100000',
  text,
  words: ['wrong number'],
  state: 'open',
  decided_by: null,
  decided_at: null,
  created_at: '2026-11-26T10:00:00Z',
});

describe('ReviewQueue', () => {
  it('is decided by keyboard: the arrows choose, O opts out, K keeps', async () => {
    let open = [review('crv_1', 'wrong number'), review('crv_2', 'no longer him')];
    const decided: { path: string; body: unknown }[] = [];
    vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
      if (init.method === 'GET')
        return Promise.resolve(Response.json({ data: open, next_cursor: null }));
      decided.push({ path: url, body: JSON.parse(init.body ?? '{}') });
      open = open.filter((each) => !url.includes(each.id));
      return Promise.resolve(Response.json({}));
    });
    const stop = startHotkeys();
    render(
      <QueryClientProvider client={new QueryClient()}>
        <AppTheme>
          <ReviewQueue />
        </AppTheme>
      </QueryClientProvider>,
    );
    await screen.findByText('wrong number', { selector: 'blockquote' });
    await userEvent.keyboard('{ArrowDown}');
    await waitFor(() =>
      expect(screen.getAllByTestId('consent-review')[1]?.getAttribute('aria-current')).toBe('true'),
    );
    await userEvent.keyboard('o');
    await waitFor(() => expect(screen.getAllByTestId('consent-review')).toHaveLength(1));
    await userEvent.keyboard('k');
    await screen.findByText('Nothing to review');
    stop();
    expect(decided).toEqual([
      { path: '/api/v1/consent-reviews/crv_2/decide', body: { decision: 'revoke' } },
      { path: '/api/v1/consent-reviews/crv_1/decide', body: { decision: 'keep' } },
    ]);
  });
});

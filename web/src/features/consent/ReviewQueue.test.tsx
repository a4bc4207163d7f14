// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
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

/** Shows the queue over `open`, which tests change; gives what was decided, and a way to fetch again. */
function shown(open: { rows: ConsentReview[] }) {
  const decided: { path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET')
      return Promise.resolve(Response.json({ data: open.rows, next_cursor: null }));
    decided.push({ path: url, body: JSON.parse(init.body ?? '{}') });
    open.rows = open.rows.filter((each) => !url.includes(each.id));
    return Promise.resolve(Response.json({}));
  });
  const cache = new QueryClient();
  onTestFinished(startHotkeys());
  render(
    <QueryClientProvider client={cache}>
      <AppTheme>
        <ReviewQueue />
      </AppTheme>
    </QueryClientProvider>,
  );
  return { decided, again: () => act(() => cache.invalidateQueries()) };
}

const rows = () => screen.getAllByTestId('consent-review');
const saying = (text: string) => screen.findByText(text, { selector: 'blockquote' });

describe('ReviewQueue', () => {
  it('is decided by keyboard: the arrows choose, O opts out, K keeps', async () => {
    const { decided } = shown({
      rows: [review('crv_1', 'wrong number'), review('crv_2', 'no longer him')],
    });
    await saying('wrong number');
    await userEvent.keyboard('{ArrowDown}');
    await waitFor(() => expect(rows()[1]?.getAttribute('aria-current')).toBe('true'));
    await userEvent.keyboard('o');
    await waitFor(() => expect(rows()).toHaveLength(1));
    await userEvent.keyboard('k');
    await screen.findByText('Nothing to review');
    expect(decided).toEqual([
      { path: '/api/v1/consent-reviews/crv_2/decide', body: { decision: 'revoke' } },
      { path: '/api/v1/consent-reviews/crv_1/decide', body: { decision: 'keep' } },
    ]);
  });

  it('decides the message that is read, not one that came in above it', async () => {
    const open = { rows: [review('crv_1', 'wrong number')] };
    const { decided, again } = shown(open);
    await saying('wrong number');
    open.rows = [review('crv_2', 'stop it'), ...open.rows];
    await again();
    await saying('stop it');
    await userEvent.keyboard('k');
    await waitFor(() => expect(decided).toHaveLength(1));
    expect(decided[0]?.path).toBe('/api/v1/consent-reviews/crv_1/decide');
  });

  it('decides one message however long the key is held', async () => {
    const { decided } = shown({
      rows: [review('crv_1', 'wrong number'), review('crv_2', 'no longer him')],
    });
    await saying('wrong number');
    fireEvent.keyDown(document.body, { key: 'o' });
    await waitFor(() => expect(rows()).toHaveLength(1));
    fireEvent.keyDown(document.body, { key: 'o', repeat: true });
    fireEvent.keyDown(document.body, { key: 'o', repeat: true });
    await saying('no longer him');
    expect(decided).toHaveLength(1);
  });

  it('decides none when the chosen one is gone, until another is chosen', async () => {
    const open = { rows: [review('crv_1', 'wrong number'), review('crv_2', 'stop it')] };
    const { decided, again } = shown(open);
    await saying('wrong number');
    open.rows = open.rows.slice(1);
    await again();
    await screen.findByText(/was decided meanwhile/);
    await userEvent.keyboard('ko');
    expect(decided).toEqual([]);
    await userEvent.keyboard('{ArrowDown}o');
    await waitFor(() => expect(decided).toHaveLength(1));
    expect(decided[0]?.path).toBe('/api/v1/consent-reviews/crv_2/decide');
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SenderKeyword } from '@/api/types';
import { resetLive } from '@/live';
import { AppTheme } from '@/ui';
import { ProgrammesSection } from './ProgrammesSection';
import { WordDialog } from './WordDialog';
import { WordsSection } from './WordsSection';

const programme = (n: number) => ({
  id: `prg_${n}`,
  name: `Programme ${n}`,
  sender_id: 'snd_1',
  opt_in: 'single',
  active: 0,
  pending: 0,
  ended_at: null,
});
const keyword = (n: number) => ({
  id: `kwd_${n}`,
  word: `WORD${n}`,
  sender_id: 'snd_1',
  action: { kind: 'join', programme_id: `prg_${n}` },
  valid_from: null,
  valid_until: null,
});
const LISTS: Record<string, unknown[]> = {
  '/programmes': [programme(1), programme(2)],
  '/keywords': [keyword(2), keyword(1)],
};

let sent: unknown[] = [];

/** Stands for the server, which gives one of each list at a time. */
beforeEach(() => {
  sent = [];
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const { pathname, searchParams } = new URL(url, 'http://segue.test');
    const path = pathname.replace('/api/v1', '');
    if (init.method === 'PUT') sent.push(JSON.parse(init.body ?? '{}'));
    if (init.method !== 'GET') return Promise.resolve(Response.json({ conflict: null }));
    const list = LISTS[path];
    const from = Number(searchParams.get('cursor') ?? 0);
    return Promise.resolve(
      Response.json(
        list === undefined
          ? { data: [{ id: 'snd_1', address: '111', kind: 'long_code' }], channels: [] }
          : { data: list.slice(from, from + 1), next_cursor: from === 0 ? '1' : null },
      ),
    );
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

function show(page: ReactNode) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>{page}</AppTheme>
    </QueryClientProvider>,
  );
}

describe('lists that are longer than a page', () => {
  it('of programmes can be read to their end, each with its words', async () => {
    show(<ProgrammesSection />);
    const first = await screen.findByTestId('programme');
    await within(first).findByText('WORD1');
    await userEvent.click(screen.getByTestId('programmes-more'));
    await screen.findByText('Programme 2');
    expect(screen.queryByTestId('programmes-more')).toBeNull();
  });

  it('of words can be read to their end, each with its programme', async () => {
    show(<WordsSection />);
    await screen.findByText('Joins Programme 2');
    await userEvent.click(screen.getByTestId('words-more'));
    await screen.findByText('WORD1');
    expect(screen.queryByTestId('words-more')).toBeNull();
  });

  it('keep a word with its programme wherever that is in them', async () => {
    show(
      <WordDialog
        keyword={keyword(2) as unknown as SenderKeyword}
        onClose={vi.fn()}
        onSaved={vi.fn()}
      />,
    );
    await screen.findByText('Programme 2', { selector: 'option' });
    expect(screen.getByLabelText<HTMLSelectElement>('Programme').value).toBe('prg_2');
    await userEvent.click(screen.getByTestId('word-save'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ action: { kind: 'join', programme_id: 'prg_2' } });
  });
});

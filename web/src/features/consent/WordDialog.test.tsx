// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import type { SenderKeyword } from '@/api/types';
import { AppTheme } from '@/ui';
import { WordDialog } from './WordDialog';

afterEach(() => vi.unstubAllGlobals());

const programme = (id: string, sender_id: string, ended_at: string | null = null) => ({
  id,
  name: id,
  sender_id,
  ended_at,
});

const KEYWORD = {
  id: 'kwd_1',
  sender_id: 'snd_1',
  word: 'JOIN',
  action: { kind: 'join', programme_id: 'prg_1' },
  valid_from: null,
  valid_until: null,
} as unknown as SenderKeyword;

function shown(programmes: unknown[]) {
  const sent: unknown[] = [];
  const lists: Record<string, unknown[]> = {
    '/senders': [
      { id: 'snd_1', address: '111', kind: 'long_code' },
      { id: 'snd_2', address: '222', kind: 'long_code' },
    ],
    '/programmes': programmes,
  };
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const path = url.replace('/api/v1', '').split('?')[0] ?? '';
    if (init.method === 'GET')
      return Promise.resolve(
        Response.json({ data: lists[path] ?? [], channels: [], next_cursor: null }),
      );
    if (init.method !== 'POST') sent.push(JSON.parse(init.body ?? '{}'));
    return Promise.resolve(Response.json({ conflict: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <WordDialog keyword={KEYWORD} onClose={vi.fn()} onSaved={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
  return sent;
}

it('joins a programme of the number to which the word is moved', async () => {
  const sent = shown([programme('prg_1', 'snd_1'), programme('prg_2', 'snd_2')]);
  await screen.findByText('prg_1', { selector: 'option' });
  await userEvent.selectOptions(screen.getByLabelText('Texted to'), 'snd_2');
  await userEvent.click(screen.getByTestId('word-save'));
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({
    sender_id: 'snd_2',
    action: { kind: 'join', programme_id: 'prg_2' },
  });
});

it('shows the programme of a word also when it has ended', async () => {
  shown([programme('prg_0', 'snd_1'), programme('prg_1', 'snd_1', '2026-11-01T10:00:00Z')]);
  await screen.findByText('prg_1 (ended)', { selector: 'option' });
  expect(screen.getByLabelText<HTMLSelectElement>('Programme').value).toBe('prg_1');
});

it('is not saved while its end is half typed, which is said', async () => {
  const sent = shown([programme('prg_1', 'snd_1')]);
  const until = await screen.findByLabelText<HTMLInputElement>('Counts until');
  vi.spyOn(until, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(until);
  expect(screen.getByText(/no whole date yet/)).toBeTruthy();
  const save = screen.getByTestId('word-save');
  expect(save).toHaveProperty('disabled', true);
  fireEvent.submit(save.closest('form') as HTMLFormElement);
  vi.spyOn(until, 'validity', 'get').mockReturnValue({ badInput: false } as ValidityState);
  fireEvent.change(until, { target: { value: '2027-03-01T09:30' } });
  await userEvent.click(save);
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]).toMatchObject({ valid_until: new Date('2027-03-01T09:30').toISOString() });
});

it('is not saved while the end of its vote is half typed, but with another action it is', async () => {
  shown([programme('prg_1', 'snd_1')]);
  await userEvent.selectOptions(screen.getByTestId('word-kind'), 'vote');
  const closes = await screen.findByTestId<HTMLInputElement>('vote-closes');
  vi.spyOn(closes, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(closes);
  expect(screen.getByTestId('word-save')).toHaveProperty('disabled', true);
  await userEvent.selectOptions(screen.getByTestId('word-kind'), 'join');
  expect(screen.getByTestId('word-save')).toHaveProperty('disabled', false);
});

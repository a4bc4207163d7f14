// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TextFile } from '@/api/types';
import { AppTheme } from '@/ui';
import { MediaField, useTextFiles } from './MediaField';

const api = vi.hoisted(() => ({
  uploadTextFile: vi.fn(),
  fetchSenderDetails: vi.fn(),
  fetchCampaignMedia: vi.fn(),
}));
vi.mock('./api', async (original) => ({ ...(await original<object>()), ...api }));

const KEPT = { id: 'med_1', mime: 'image/png', size: 10, file_name: 'shoe.png' } as TextFile;

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  api.uploadTextFile.mockResolvedValue(KEPT);
  api.fetchSenderDetails.mockResolvedValue({ data: [], next_cursor: null });
});
afterEach(() => vi.useRealTimers());

interface Given {
  first: string[];
  seen: (value: string[]) => void;
  campaignId?: string | null;
}

function NewOne({ first, seen, campaignId = null }: Given) {
  const [value, setValue] = useState(first);
  const [, again] = useState(0);
  const files = useTextFiles(value, campaignId);
  const change = (next: string[]) => {
    setValue(next);
    seen(next);
  };
  return (
    <>
      <MediaField value={value} onChange={change} files={files} senderId={null} />
      <button type="button" onClick={() => again((count) => count + 1)}>
        Type
      </button>
    </>
  );
}

const shown = (first: string[], seen = vi.fn(), campaignId: string | null = null) =>
  render(
    <AppTheme>
      <QueryClientProvider
        client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
      >
        <NewOne first={first} seen={seen} campaignId={campaignId} />
      </QueryClientProvider>
    </AppTheme>,
  );

it('a picture of a new campaign stays on the screen however long the text takes', async () => {
  shown([]);
  const file = new File(['x'], 'shoe.png', { type: 'image/png' });
  fireEvent.change(screen.getByTestId('campaign-media-add'), { target: { files: [file] } });
  await screen.findByText('shoe.png');
  await act(() => vi.advanceTimersByTimeAsync(20 * 60_000));
  fireEvent.click(screen.getByText('Type'));
  screen.getByText('shoe.png');
});

it('a file of which nothing is known can be seen and removed', () => {
  const seen = vi.fn();
  shown(['med_9'], seen);
  expect(screen.getAllByTestId('campaign-file')).toHaveLength(1);
  fireEvent.click(screen.getByTestId('campaign-file-remove'));
  expect(seen).toHaveBeenCalledWith([]);
});

it('files of a saved campaign are waited for, and asked for again when that failed', async () => {
  let fail: (error: Error) => void = () => undefined;
  api.fetchCampaignMedia.mockReturnValueOnce(
    new Promise((_, reject) => {
      fail = reject;
    }),
  );
  shown(['med_1', 'med_2'], vi.fn(), 'cmp_1');
  expect(screen.getAllByTestId('campaign-file')).toHaveLength(2);
  expect(screen.queryByText(/not known here/)).toBeNull();
  // Each can be told from the other.
  screen.getByLabelText('Remove file 1');
  screen.getByLabelText('Remove file 2');
  fail(new Error('The connection was lost.'));
  expect(await screen.findAllByText(/not known here/)).toHaveLength(2);
  screen.getByText('File 2');
  const other = { ...KEPT, id: 'med_2', file_name: 'sock.png' };
  api.fetchCampaignMedia.mockResolvedValue({ data: [KEPT, other], next_cursor: null });
  fireEvent.click(screen.getByText('Try again'));
  await screen.findByText('sock.png');
  expect(screen.queryByText('Try again')).toBeNull();
});

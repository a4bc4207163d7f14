// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TextFile } from '@/api/types';
import { AppTheme } from '@/ui';
import { MediaField, useTextFiles } from './MediaField';

const api = vi.hoisted(() => ({ uploadTextFile: vi.fn(), fetchSenderDetails: vi.fn() }));
vi.mock('./api', async (original) => ({ ...(await original<object>()), ...api }));

const KEPT = { id: 'med_1', mime: 'image/png', size: 10, file_name: 'shoe.png' } as TextFile;

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  api.uploadTextFile.mockResolvedValue(KEPT);
  api.fetchSenderDetails.mockResolvedValue({ data: [], next_cursor: null });
});
afterEach(() => vi.useRealTimers());

function NewOne({ first, seen }: { first: string[]; seen: (value: string[]) => void }) {
  const [value, setValue] = useState(first);
  const [, again] = useState(0);
  const files = useTextFiles(value, null);
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

const shown = (first: string[], seen = vi.fn()) =>
  render(
    <AppTheme>
      <QueryClientProvider client={new QueryClient()}>
        <NewOne first={first} seen={seen} />
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

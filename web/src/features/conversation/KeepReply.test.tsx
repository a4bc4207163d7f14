// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, NETWORK_ERROR } from '@/api/errors';
import { clearDrafts, readDraft } from '@/lib/drafts';
import { AppTheme } from '@/ui';
import * as api from './api';
import { KeepReply } from './KeepReply';

vi.mock('./api', () => ({ keepReply: vi.fn() }));

const kept = vi.mocked(api.keepReply);
const field = () => screen.getByTestId<HTMLTextAreaElement>('keep-input');

beforeEach(() => {
  clearDrafts();
  kept.mockReset();
  render(
    <AppTheme>
      <KeepReply sessionId="ses_1" />
    </AppTheme>,
  );
});

describe('a reply that waits', () => {
  it('is tried again under its id, and another text under another', async () => {
    const fails = () => kept.mockRejectedValueOnce(new ApiError(0, NETWORK_ERROR));
    const idOf = (call: number) => kept.mock.calls[call]?.[2];
    fails();
    await userEvent.type(field(), 'It arrives');
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(field().value).toBe('It arrives');
    fails();
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(idOf(1)).toBe(idOf(0));
    // The server may have taken the first text although its answer was lost.
    await userEvent.type(field(), ' tomorrow');
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(kept.mock.calls[2]?.[1]).toBe('It arrives tomorrow');
    expect(idOf(2)).not.toBe(idOf(0));
    await waitFor(() => expect(field().value).toBe(''));
    await userEvent.type(field(), 'It arrives tomorrow');
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(idOf(3)).not.toBe(idOf(2));
  });

  it('takes nothing along that was typed while it was on its way', async () => {
    let answer: (value: never) => void = () => undefined;
    kept.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    await userEvent.type(field(), 'One');
    await userEvent.click(screen.getByTestId('keep-send'));
    await userEvent.type(field(), ' more');
    answer(undefined as never);
    await waitFor(() =>
      expect(screen.getByTestId<HTMLButtonElement>('keep-send').disabled).toBe(false),
    );
    expect(readDraft('ses_1', 'reply')).toBe('One more');
  });
});

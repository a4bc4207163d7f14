// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render, renderHook, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/errors';
import type { Campaign } from '@/api/types';
import { AppTheme, notify } from '@/ui';
import { useAutosave } from './DraftEditor';
import { PreflightDialog } from './PreflightDialog';

const api = vi.hoisted(() => ({
  changeCampaign: vi.fn(),
  fetchCampaign: vi.fn(),
  checkCampaign: vi.fn(),
  fetchCampaignSettings: vi.fn(),
}));
vi.mock('./api', async (original) => ({
  ...(await original<object>()),
  ...api,
}));

const DRAFT = {
  id: 'cmp_1',
  version: 3,
  name: 'Spring',
  sender_id: 'snd_1',
  body: 'Hi',
  footer: 'none',
  whatsapp_channel_id: null,
  texts: [],
  media: [],
  template: null,
  schedule: { starts_at: null },
} as unknown as Campaign;

const around = ({ children }: { children: ReactNode }) => (
  <AppTheme>
    <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>
  </AppTheme>
);

const edited = (body: string) => {
  const hook = renderHook(() => useAutosave(DRAFT), { wrapper: around });
  act(() => hook.result.current.change({ ...hook.result.current.input, body }));
  return hook;
};

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  Object.values(api).forEach((call) => call.mockReset());
  api.fetchCampaignSettings.mockResolvedValue({ approval: 'none' });
});

describe('what could not be saved', () => {
  it('is told to whoever asked for it, and saved by the next try', async () => {
    api.changeCampaign.mockRejectedValueOnce(new ApiError(0, { code: 'network' }));
    const { result } = edited('New');
    await act(() => expect(result.current.save()).rejects.toThrow('network'));
    expect(result.current.state).toBe('failed');
    api.changeCampaign.mockResolvedValueOnce({ ...DRAFT, body: 'New', version: 4 });
    await act(() => result.current.save());
    expect(result.current.state).toBe('saved');
    expect(api.changeCampaign).toHaveBeenCalledTimes(2);
  });

  it('is also what is not complete yet', async () => {
    const { result } = edited(' ');
    await act(() =>
      expect(result.current.save()).rejects.toThrow('Still needed: a text or picture.'),
    );
    expect(api.changeCampaign).not.toHaveBeenCalled();
  });

  it('is told when the page is left, but not when the draft was deleted', async () => {
    const told = vi.spyOn(notify, 'failure').mockImplementation(() => undefined);
    api.changeCampaign.mockRejectedValue(new ApiError(0, { code: 'network' }));
    const deleted = edited('New');
    act(() => deleted.result.current.drop());
    deleted.unmount();
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    expect(told).not.toHaveBeenCalled();
    edited('New').unmount();
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1));
  });

  it('is neither checked nor started', async () => {
    const before = vi.fn(() => Promise.reject(new ApiError(0, { code: 'network' })));
    render(<PreflightDialog campaign={DRAFT} sender="+1" before={before} onClose={vi.fn()} />, {
      wrapper: around,
    });
    expect((await screen.findByRole('alert')).textContent).toContain('No connection to Segue');
    expect(screen.getByTestId('confirm-start').hasAttribute('disabled')).toBe(true);
    await userEvent
      .setup({ advanceTimers: vi.advanceTimersByTime })
      .click(screen.getByText('Try again'));
    expect(before).toHaveBeenCalledTimes(2);
    expect(api.checkCampaign).not.toHaveBeenCalled();
  });
});

describe('a draft that somebody else has changed meanwhile', () => {
  const theirs = { ...DRAFT, body: 'Theirs', version: 7 };
  const refused = new ApiError(409, { code: 'changed_meanwhile' });

  it('is not written over, and can be loaded', async () => {
    api.changeCampaign.mockRejectedValueOnce(refused);
    const { result } = edited('Mine');
    await act(() => expect(result.current.save()).rejects.toBe(refused));
    expect(api.changeCampaign.mock.lastCall?.[2]).toBe(3);
    expect(result.current.newer).toBe(true);
    api.fetchCampaign.mockResolvedValueOnce(theirs);
    await act(() => result.current.settle('theirs'));
    expect([result.current.input.body, result.current.newer]).toEqual(['Theirs', false]);
    await act(() => result.current.save());
    expect(api.changeCampaign).toHaveBeenCalledTimes(1);
  });

  it('is written over when that is wanted', async () => {
    api.changeCampaign.mockRejectedValueOnce(refused);
    const { result } = edited('Mine');
    await act(() => expect(result.current.save()).rejects.toBe(refused));
    api.fetchCampaign.mockResolvedValueOnce(theirs);
    api.changeCampaign.mockResolvedValueOnce({ ...theirs, body: 'Mine', version: 8 });
    await act(() => result.current.settle('mine'));
    expect(api.changeCampaign.mock.lastCall?.slice(1)).toMatchObject([{ body: 'Mine' }, 7]);
    expect([result.current.state, result.current.newer]).toEqual(['saved', false]);
  });
});

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
import { TestSendDialog } from './TestSendDialog';
import { EMPTY_INPUT, textSent, whyNotNow } from './words';

const api = vi.hoisted(() => ({
  changeCampaign: vi.fn(),
  fetchCampaign: vi.fn(),
  checkCampaign: vi.fn(),
  fetchCampaignSettings: vi.fn(),
  testSend: vi.fn(),
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
  variants: [],
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

describe('a campaign that nobody would get now', () => {
  const NOBODY = {
    audience: 0,
    sendable: 0,
    held: [],
    excluded: [],
    segments: { min: 0, typical: 0, max: 0, total: 0 },
    variants: [],
    texts: [],
    cost: {
      currency: 'USD',
      total: 0,
      max_thousandths: 0,
      unpriced: [],
      markets: [],
      accounts: [],
      price_list: null,
    },
    seconds: 0,
    chats: null,
    languages: [],
    limit: null,
    files: null,
    warnings: [],
    mark: 'm',
  };
  const button = async (starts_at: string | null) => {
    api.checkCampaign.mockResolvedValue(NOBODY);
    const campaign = { ...DRAFT, schedule: { ...DRAFT.schedule, starts_at } };
    const before = () => Promise.resolve();
    render(<PreflightDialog campaign={campaign} sender="+1" before={before} onClose={vi.fn()} />, {
      wrapper: around,
    });
    await screen.findByTestId('preflight');
    return screen.getByTestId<HTMLButtonElement>('confirm-start');
  };

  it('says when it could not be known whether it has to be approved, and asks again', async () => {
    api.fetchCampaignSettings.mockRejectedValue(new ApiError(403, {}));
    const start = await button('2026-12-01T09:00:00');
    // It is asked for a few times first.
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    await screen.findByRole('alert');
    expect(start.disabled).toBe(true);
    api.fetchCampaignSettings.mockResolvedValue({ approval: 'none' });
    await userEvent
      .setup({ advanceTimers: vi.advanceTimersByTime })
      .click(screen.getByText('Try again'));
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    expect(start.disabled).toBe(false);
  });

  it('can wait for its time, for who gets it is found then', async () => {
    const schedule = await button('2026-12-01T09:00:00');
    expect([schedule.disabled, schedule.textContent]).toEqual([false, 'Schedule it']);
    screen.getByText(/is found anew when it starts/);
    expect(whyNotNow({ schedule: { ...EMPTY_INPUT.schedule, starts_at: 'then' } }, 0)).toBeNull();
  });

  it('cannot be started at once, and it is said why', async () => {
    expect((await button(null)).disabled).toBe(true);
    screen.getByText(/cannot be started while nobody would get it/);
    expect(whyNotNow(EMPTY_INPUT, 0)).toContain('nobody would get it');
    expect(whyNotNow(EMPTY_INPUT, null)).toContain('once it is known');
    expect(whyNotNow(EMPTY_INPUT, 1)).toBeNull();
  });
});

describe('a campaign with variants', () => {
  const variant = (name: string) => ({ name, weight: 1, body: `Text ${name}`, texts: [] });

  it('is shown with a text that somebody gets', () => {
    const input = { ...EMPTY_INPUT, body: 'Left over' };
    expect(textSent(input).body).toBe('Left over');
    expect(textSent({ ...input, variants: [variant('A'), variant('B')] }).body).toBe('Text A');
  });

  it('is tested with the text that is chosen', async () => {
    api.testSend.mockResolvedValue({ message_id: 'msg_1' });
    const before = () => Promise.resolve();
    const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
    const dialog = (variants: string[]) =>
      render(
        <TestSendDialog campaignId="cmp_1" variants={variants} before={before} onClose={vi.fn()} />,
        { wrapper: around },
      );
    const first = dialog(['A', 'B']);
    await user.selectOptions(screen.getByTestId('test-variant'), 'B');
    await user.type(screen.getByTestId('test-phone'), '+1 555');
    await user.click(screen.getByTestId('test-send'));
    await vi.waitFor(() => expect(api.testSend).toHaveBeenCalledWith('cmp_1', '+1 555', 'B'));
    first.unmount();
    dialog([]);
    expect(screen.queryByTestId('test-variant')).toBeNull();
  });
});

// @vitest-environment happy-dom
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { api as server } from '@/api/client';
import { ApiError, NETWORK_ERROR } from '@/api/errors';
import type { Offer } from '@/api/types';
import { startHotkeys } from '@/lib/hotkeys';
import { changeLive, resetLive, useLive } from '@/live';
import { session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import * as api from './api';
import { OfferTray } from './OfferTray';

vi.mock('./api', () => ({ acceptOffer: vi.fn(), declineOffer: vi.fn() }));

const onAccepted = vi.fn();

/** An offer of half a minute that was made at a moment of the server's clock. */
const offered = (at: number): Offer => ({
  id: 'ofr_1',
  session_id: 'ses_1',
  queue_id: 'que_1',
  session: session({ state: 'waiting', agent: null }),
  offered_at: new Date(at).toISOString(),
  expires_at: new Date(at + 30_000).toISOString(),
});

beforeEach(() => {
  const offer = offered(Date.now());
  changeLive((data) => ({ ...data, offers: { [offer.id]: offer } }));
  onAccepted.mockReset();
  vi.mocked(api.acceptOffer).mockReset();
  vi.mocked(api.declineOffer).mockReset();
  render(
    <AppTheme>
      <OfferTray onAccepted={onAccepted} />
    </AppTheme>,
  );
});

afterEach(() => {
  resetLive();
  vi.unstubAllGlobals();
});

const refuse = (error: ApiError) => {
  vi.mocked(api.acceptOffer).mockRejectedValueOnce(error);
  vi.mocked(api.declineOffer).mockRejectedValueOnce(error);
};

describe.each(['offer-accept', 'offer-decline'])('an offer, %s', (button) => {
  it.each([
    new ApiError(0, NETWORK_ERROR),
    new ApiError(500, {}),
    new ApiError(503, {}),
    new ApiError(429, {}),
  ])('stays when the request did not get through ($status)', async (error) => {
    refuse(error);
    await userEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(screen.getByText(error.title)).toBeTruthy());
    expect(screen.getByTestId('offer-card')).toBeTruthy();
    expect(useLive.getState().offers).toHaveProperty('ofr_1');
  });

  it('goes when the server says that it is gone', async () => {
    refuse(new ApiError(409, { code: 'offer_gone' }));
    await userEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(screen.queryByTestId('offer-card')).toBeNull());
    expect(useLive.getState().offers).toEqual({});
  });
});

describe('an offer that was declined', () => {
  it('is out of sight at once and gone when the server has heard it', async () => {
    let answer: (value: unknown) => void = () => undefined;
    vi.mocked(api.declineOffer).mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    await userEvent.click(screen.getByTestId('offer-decline'));
    expect(screen.queryByTestId('offer-card')).toBeNull();
    answer({});
    await waitFor(() => expect(useLive.getState().offers).toEqual({}));
  });
});

describe('a key that is held', () => {
  const hold = (key: string) =>
    [false, true, true].forEach((repeat) => fireEvent.keyDown(document.body, { key, repeat }));

  it('answers one offer, not the next one too', async () => {
    const second = { ...offered(Date.now() + 5_000), id: 'ofr_2', session_id: 'ses_2' };
    act(() => changeLive((data) => ({ ...data, offers: { ...data.offers, ofr_2: second } })));
    onTestFinished(startHotkeys());
    vi.mocked(api.declineOffer).mockResolvedValue({});
    hold('d');
    await waitFor(() => expect(Object.keys(useLive.getState().offers)).toEqual(['ofr_2']));
    hold('d');
    await waitFor(() => expect(useLive.getState().offers).toEqual({}));
    expect(vi.mocked(api.declineOffer).mock.calls).toEqual([['ofr_1'], ['ofr_2']]);
  });
});

describe('an offer that is being accepted', () => {
  it('is not accepted again by a second press', () => {
    onTestFinished(startHotkeys());
    vi.mocked(api.acceptOffer).mockReturnValue(new Promise(() => undefined));
    fireEvent.keyDown(document.body, { key: 'a' });
    fireEvent.keyDown(document.body, { key: 'a' });
    expect(api.acceptOffer).toHaveBeenCalledOnce();
  });
});

describe('an offer at a computer whose clock is a minute ahead', () => {
  const offer = () => {
    const at = Date.now() - 60_000;
    act(() => changeLive((data) => ({ ...data, offers: { ofr_1: offered(at) } })));
    return at;
  };

  it('is shown until the server says that it has ended', async () => {
    offer();
    expect(await screen.findByTestId('offer-card')).toBeTruthy();
    act(() => changeLive((data) => ({ ...data, offers: {} })));
    expect(screen.queryByTestId('offer-card')).toBeNull();
  });

  it('counts by the clock of the server, which its answers tell', async () => {
    const date = (at: number) => ({ headers: { Date: new Date(at).toUTCString() } });
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({}, date(Date.now() - 60_000))));
    await server.get('/me');
    offer();
    const left = Number.parseInt(screen.getByRole('timer').textContent, 10);
    expect(left).toBeGreaterThan(25);
    expect(left).toBeLessThanOrEqual(30);
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({}, date(Date.now()))));
    await server.get('/me');
  });
});

describe('more offers than have room', () => {
  it('are counted below the cards', () => {
    const many = [1, 2, 3, 4, 5].map((number) => ({
      ...offered(Date.now()),
      id: `ofr_${number}`,
      session_id: `ses_${number}`,
    }));
    act(() =>
      changeLive((data) => ({
        ...data,
        offers: Object.fromEntries(many.map((offer) => [offer.id, offer])),
      })),
    );
    expect(screen.getAllByTestId('offer-card')).toHaveLength(3);
    expect(screen.getByTestId('offers-more').textContent).toBe('2 more offers come after these.');
  });
});

// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, NETWORK_ERROR } from '@/api/errors';
import type { Offer } from '@/api/types';
import { changeLive, resetLive, useLive } from '@/live';
import { session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import * as api from './api';
import { OfferTray } from './OfferTray';

vi.mock('./api', () => ({ acceptOffer: vi.fn(), declineOffer: vi.fn() }));

const onAccepted = vi.fn();

beforeEach(() => {
  const now = Date.now();
  const offer: Offer = {
    id: 'ofr_1',
    session_id: 'ses_1',
    queue_id: 'que_1',
    session: session({ state: 'waiting', agent: null }),
    offered_at: new Date(now).toISOString(),
    expires_at: new Date(now + 30_000).toISOString(),
  };
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

afterEach(() => resetLive());

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

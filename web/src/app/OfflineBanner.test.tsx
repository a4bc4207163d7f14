// @vitest-environment happy-dom
import { act, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { api } from '@/api/client';
import { advanceCursor } from '@/live/store';
import { OfflineBanner } from './OfflineBanner';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('says at once that the computer has no network, and no longer when it has', () => {
  const online = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(true);
  render(<OfflineBanner />);
  expect(screen.queryByTestId('offline-banner')).toBeNull();
  online.mockReturnValue(false);
  act(() => void window.dispatchEvent(new Event('offline')));
  expect(screen.getByTestId('offline-banner').textContent).toContain('No connection');
  online.mockReturnValue(true);
  act(() => void window.dispatchEvent(new Event('online')));
  expect(screen.queryByTestId('offline-banner')).toBeNull();
});

it.each([
  ['an answer', 1, () => api.get('/me')],
  ['the stream', 2, () => Promise.resolve(advanceCursor(1))],
])('believes %s of the server more than the browser', async (_, hours, comes) => {
  vi.useFakeTimers({ now: Date.now() + hours * 3_600_000 });
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({})));
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
  render(<OfflineBanner />);
  act(() => void window.dispatchEvent(new Event('offline')));
  await act(() => vi.advanceTimersByTimeAsync(2000));
  expect(screen.getByTestId('offline-banner')).toBeTruthy();
  await comes();
  await act(() => vi.advanceTimersByTimeAsync(2000));
  expect(screen.queryByTestId('offline-banner')).toBeNull();
});

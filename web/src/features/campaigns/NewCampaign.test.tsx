// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { lostByLeaving } from '@/lib/unsaved';
import { AppTheme } from '@/ui';
import { NewCampaign } from './NewCampaign';

vi.mock('@tanstack/react-router', async (original) => ({
  ...(await original<object>()),
  Link: ({ children }: { children: ReactNode }) => <a href="#campaigns">{children}</a>,
  useNavigate: () => vi.fn(),
}));

afterEach(() => vi.unstubAllGlobals());

const SENDER = {
  id: 'snd_1',
  channel_id: 'chn_1',
  address: '+15550100000',
  registration: 'active',
};

it('is not saved while its start is half typed', async () => {
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      Response.json(
        url.includes('/setup-status')
          ? { senders: [SENDER], channels: [] }
          : { data: [], next_cursor: null },
      ),
    ),
  );
  render(
    <AppTheme>
      <QueryClientProvider client={new QueryClient()}>
        <NewCampaign />
      </QueryClientProvider>
    </AppTheme>,
  );
  const start = await screen.findByTestId<HTMLInputElement>('schedule-start');
  vi.spyOn(start, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(start);
  await userEvent.type(screen.getByTestId('campaign-name'), 'Spring');
  await userEvent.type(screen.getByTestId('campaign-body'), 'Hi');
  await userEvent.click(screen.getByTestId('campaign-footer-none'));
  expect(screen.getByTestId('campaign-save')).toHaveProperty('disabled', true);
  screen.getByText(/A date under Time is no whole date yet/);
});

it('keeps what was typed when fetching in the background fails', async () => {
  let down = false;
  vi.stubGlobal('fetch', (url: string, init: { method: string }) => {
    if (down || init.method !== 'GET')
      return Promise.resolve(Response.json({ title: 'Busy', detail: 'Away.' }, { status: 503 }));
    return Promise.resolve(
      Response.json(
        url.includes('/setup-status')
          ? { senders: [SENDER], channels: [] }
          : { data: [], next_cursor: null },
      ),
    );
  });
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <AppTheme>
      <QueryClientProvider client={cache}>
        <NewCampaign />
      </QueryClientProvider>
    </AppTheme>,
  );
  await screen.findByTestId('campaign-name');
  expect(lostByLeaving()).toEqual([]);
  await userEvent.type(await screen.findByTestId('campaign-name'), 'Spring');
  down = true;
  await act(() => cache.refetchQueries());
  expect(screen.getByTestId<HTMLInputElement>('campaign-name').value).toBe('Spring');
  expect(lostByLeaving()).toEqual(['The new campaign']);
});

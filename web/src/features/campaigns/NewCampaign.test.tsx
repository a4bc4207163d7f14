// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
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

it('is not saved while the end of its offer is half typed', async () => {
  const template = {
    id: 'tpl_1',
    channel_id: 'chn_1',
    name: 'spring',
    language: 'en',
    category: 'MARKETING',
    status: 'APPROVED',
    body: 'Spring is here.',
    header: null,
    header_format: null,
    header_media_id: null,
    footer: null,
    buttons: [],
    cards: [],
    offer: { text: '20 % off', expires: true },
    parameter_count: 0,
  };
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      Response.json(
        url.includes('/setup-status')
          ? {
              senders: [],
              channels: [{ id: 'chn_1', kind: 'whatsapp', name: 'Shop', display: '' }],
            }
          : { data: url.includes('/templates') ? [template] : [], next_cursor: null },
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
  await userEvent.type(await screen.findByTestId('campaign-name'), 'Spring');
  await userEvent.click(screen.getByTestId('campaign-channel-whatsapp'));
  await screen.findByRole('option', { name: /spring/ });
  await userEvent.selectOptions(screen.getByTestId('template-choice'), 'tpl_1');
  const save = () => screen.getByTestId('campaign-save');
  expect(save()).toHaveProperty('disabled', false);
  const end = await screen.findByTestId<HTMLInputElement>('template-offer-ends');
  const typed = vi.spyOn(end, 'validity', 'get');
  typed.mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(end);
  expect(save()).toHaveProperty('disabled', true);
  screen.getByText(/A date under Template or Time is no whole date yet/);
  // A start that is whole does not make the end of the offer so.
  const start = screen.getByTestId<HTMLInputElement>('schedule-start');
  vi.spyOn(start, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(start);
  vi.spyOn(start, 'validity', 'get').mockReturnValue({ badInput: false } as ValidityState);
  fireEvent.change(start, { target: { value: '2027-03-01T09:00' } });
  expect(save()).toHaveProperty('disabled', true);
  typed.mockReturnValue({ badInput: false } as ValidityState);
  fireEvent.change(end, { target: { value: '2027-03-02T09:00' } });
  expect(save()).toHaveProperty('disabled', false);
});

it('says when the templates cannot be read, and reads them when asked again', async () => {
  let down = true;
  vi.stubGlobal('fetch', (url: string) => {
    if (url.includes('/templates') && down) {
      const problem = { title: 'Busy', detail: 'The database is away.' };
      return Promise.resolve(Response.json(problem, { status: 503 }));
    }
    return Promise.resolve(
      Response.json(
        url.includes('/setup-status')
          ? { senders: [SENDER], channels: [] }
          : { data: [], next_cursor: null },
      ),
    );
  });
  render(
    <AppTheme>
      <QueryClientProvider
        client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
      >
        <NewCampaign />
      </QueryClientProvider>
    </AppTheme>,
  );
  await userEvent.click(await screen.findByTestId('campaign-channel-whatsapp'));
  await screen.findByText(/The database is away/);
  down = false;
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(screen.queryByText(/The database is away/)).toBeNull());
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

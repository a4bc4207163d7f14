// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SenderDetail } from '@/api/sender-types';
import type { Channel } from '@/api/types';
import { AppTheme } from '@/ui';
import { AccountPricesCard, RoutesCard } from './RoutesCard';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

const sender = (id: string, channel_id: string, address: string): SenderDetail => ({
  id,
  channel_id,
  address,
  kind: 'long_code',
  registration: 'active',
  countries: [],
  registration_ids: [],
  is_two_way: true,
  sends_files: false,
  alphabet: 'any',
  segments_per_second: null,
  fallback_id: null,
  fallback_after_seconds: null,
  route_by: null,
  routes: [],
  quiet_hours: { start: '00:00', end: '00:00' },
  quiet_spans: [],
  readiness: [],
});

const channels = [
  { id: 'chn_1', name: 'Carrier One', kind: 'smpp' },
  { id: 'chn_2', name: 'Carrier Two', kind: 'smpp' },
] as unknown as Channel[];

const NO_PRICES = () => Response.json({ data: [], next_cursor: null });

function show(card: React.ReactNode, prices: () => Response | Promise<Response> = NO_PRICES) {
  const sent: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (path: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET') {
      const settings = path.includes('campaign-settings');
      return Promise.resolve(settings ? Response.json({ currency: 'EUR' }) : prices());
    }
    sent.push({ method: init.method, path, body: JSON.parse(init.body ?? '{}') });
    return Promise.resolve(Response.json({}));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>{card}</AppTheme>
    </QueryClientProvider>,
  );
  return sent;
}

describe('RoutesCard', () => {
  it('offers the accounts that have the same number, in an order one sets', async () => {
    const senders = [
      sender('snd_1', 'chn_1', '+15550000001'),
      sender('snd_2', 'chn_2', '+15550000001'),
      sender('snd_3', 'chn_2', '+15550000002'),
    ];
    const sent = show(<RoutesCard senders={senders} channels={channels} />);
    expect(screen.getAllByTestId('route')).toHaveLength(2);
    await userEvent.click(screen.getAllByTestId('route')[0] as HTMLElement);
    await userEvent.selectOptions(await screen.findByTestId('routes-by'), 'price');
    await userEvent.selectOptions(screen.getByLabelText('First account'), 'snd_2');
    await userEvent.selectOptions(screen.getByLabelText('Second account'), 'snd_1');
    await userEvent.click(screen.getByTestId('routes-save'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.path).toContain('/senders/snd_1/routes');
    expect(sent[0]?.body).toEqual({ by: 'price', sender_ids: ['snd_2', 'snd_1'] });
  });

  it('says what to do where no sender is on two accounts', () => {
    show(<RoutesCard senders={[sender('snd_1', 'chn_1', '+1555')]} channels={channels} />);
    expect(screen.getByText('No sender on two accounts')).toBeTruthy();
  });
});

describe('AccountPricesCard', () => {
  it('adds no version before the prices are there, nor without them', async () => {
    let answer: (response: Response) => void = () => undefined;
    const asked = new Promise<Response>((resolve) => (answer = resolve));
    const sent = show(<AccountPricesCard channels={channels.slice(1)} />, () => asked);
    await userEvent.click(screen.getByTestId('account-prices'));
    const save = await screen.findByTestId<HTMLButtonElement>('prices-save');
    expect(save.disabled).toBe(true);
    fireEvent.submit(save.closest('form') as HTMLFormElement);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toHaveLength(0);
    answer(NO_PRICES());
    await waitFor(() => expect(save.disabled).toBe(false));
  });

  it('adds a version, and names a line that is no price', async () => {
    const sent = show(<AccountPricesCard channels={channels} />);
    await userEvent.click(screen.getAllByTestId('account-prices')[1] as HTMLElement);
    const lines = await screen.findByLabelText(/Prices of a thousand segments in EUR/);
    await userEvent.type(lines, 'DE seven');
    await userEvent.click(screen.getByTestId('prices-save'));
    await screen.findByText(/“DE seven” is no price/);
    expect(sent).toHaveLength(0);
    await userEvent.clear(lines);
    await userEvent.type(lines, 'de 7.5');
    await userEvent.click(screen.getByTestId('prices-save'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.path).toContain('/channels/chn_2/prices');
    expect(sent[0]?.body).toEqual({
      prices: [{ country: 'DE', per_thousand: 750 }],
      other_price: null,
    });
  });

  it('adds no version while its begin is half typed, and then from the moment that was typed', async () => {
    const sent = show(<AccountPricesCard channels={channels} />);
    await userEvent.click(screen.getAllByTestId('account-prices')[1] as HTMLElement);
    const from = await screen.findByLabelText<HTMLInputElement>('Count from');
    const typed = vi.spyOn(from, 'validity', 'get');
    typed.mockReturnValue({ badInput: true } as ValidityState);
    fireEvent.blur(from);
    const save = screen.getByTestId<HTMLButtonElement>('prices-save');
    expect(save.disabled).toBe(true);
    screen.getByText(/no whole date yet/);
    fireEvent.submit(save.closest('form') as HTMLFormElement);
    typed.mockReturnValue({ badInput: false } as ValidityState);
    fireEvent.change(from, { target: { value: '2027-03-01T09:30' } });
    await userEvent.type(screen.getByLabelText(/Prices of a thousand/), 'DE 7.50');
    await userEvent.click(save);
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ valid_from: new Date('2027-03-01T09:30').toISOString() });
  });
});

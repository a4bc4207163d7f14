// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Channel } from '@/api/types';
import { AppTheme } from '@/ui';
import { SendersSection } from './SendersSection';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));
vi.mock('./PoolsCard', () => ({ PoolsCard: () => null }));
vi.mock('./RoutesCard', () => ({ RoutesCard: () => null, AccountPricesCard: () => null }));
vi.mock('./RegistrationsSection', () => ({ RegistrationsSection: () => null }));
vi.mock('./CapabilitiesCard', () => ({ CapabilitiesCard: () => null }));

const sender = (id: string, address: string) => ({
  id,
  channel_id: 'chn_1',
  address,
  kind: 'long_code',
  registration: 'active',
  countries: [],
  registration_ids: [],
  is_two_way: true,
  sends_files: false,
  alphabet: 'any',
  segments_per_second: null,
  fallback_id: 'snd_2',
  fallback_after_seconds: 90,
  route_by: null,
  routes: [],
  quiet_hours: { start: '00:00', end: '00:00' },
  quiet_spans: [],
  readiness: [],
});
const senders = [
  sender('snd_1', '+15550000001'),
  { ...sender('snd_2', '+15550000002'), fallback_id: null },
];
const channels = [{ id: 'chn_1', name: 'Carrier', kind: 'smpp' }] as unknown as Channel[];

let written: { path: string; body: unknown }[] = [];

beforeEach(async () => {
  written = [];
  vi.stubGlobal('fetch', (path: string, init: { method: string; body?: string }) => {
    if (init.method !== 'GET') written.push({ path, body: JSON.parse(init.body ?? '{}') });
    const data = path.endsWith('/senders') ? senders : [];
    return Promise.resolve(Response.json({ data, next_cursor: null }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <SendersSection channels={channels} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.click((await screen.findAllByTestId('sender'))[0] as HTMLElement);
  await screen.findByText('No registration yet. Add one under Registrations.');
});
afterEach(() => vi.unstubAllGlobals());

const fallbacks = () =>
  written.filter((each) => each.path.endsWith('/fallback')).map((each) => each.body);
const save = async () => {
  await userEvent.click(screen.getByTestId('sender-change'));
  await waitFor(() => expect(screen.queryByTestId('sender-change')).toBeNull());
  expect(written.some((each) => each.path.endsWith('/snd_1/hours'))).toBe(true);
};

it('the second way stays as it is when something else is changed', async () => {
  fireEvent.change(screen.getByLabelText('Countries it sends to'), { target: { value: 'US' } });
  await save();
  expect(fallbacks()).toEqual([]);
});

it('its time is not rounded when another sender takes over', async () => {
  await userEvent.selectOptions(screen.getByLabelText('Second way'), '');
  await save();
  expect(fallbacks()).toEqual([{ sender_id: null, after_seconds: 90 }]);
});

it('its time is written when it is changed', async () => {
  fireEvent.change(screen.getByLabelText(/^Minutes without connection/), {
    target: { value: '3' },
  });
  await save();
  expect(fallbacks()).toEqual([{ sender_id: 'snd_2', after_seconds: 180 }]);
});

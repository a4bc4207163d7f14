// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Channel, ChannelNumber } from '@/api/types';
import { AppTheme } from '@/ui';
import { NumberCard } from './NumberCard';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

const number: ChannelNumber = {
  display_phone_number: '+1 555',
  verified_name: 'Lamps',
  name_status: 'DECLINED',
  status: 'CONNECTED',
  code_status: 'VERIFIED',
  quality: 'GREEN',
  messaging_limit: 'TIER_250',
  webhook: 'https://other.example.com/hook',
  account_webhook: 'https://segue.example.com/hook',
  own_address: 'https://segue.example.com/hook',
  profile: {
    about: 'Open',
    address: '',
    description: '',
    email: '',
    websites: ['https://a.example.com'],
    vertical: 'RETAIL',
    picture_url: null,
  },
};

function show() {
  const asked: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (path: string, init: { method: string; body?: string }) => {
    asked.push({ method: init.method, path, body: JSON.parse(init.body ?? 'null') });
    if (init.method === 'GET') return Promise.resolve(Response.json(number));
    return Promise.resolve(new Response(null, { status: 204 }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <NumberCard channel={{ id: 'chn_1', kind: 'whatsapp' } as Channel} />
      </AppTheme>
    </QueryClientProvider>,
  );
  return asked;
}

async function open() {
  const details = screen.getByTestId('channel-number') as HTMLDetailsElement;
  details.open = true;
  details.dispatchEvent(new Event('toggle'));
  await screen.findByTestId('number-name');
}

describe('NumberCard', () => {
  it('asks WhatsApp only when somebody looks, and says what is wrong', async () => {
    const asked = show();
    expect(asked).toEqual([]);
    await open();
    expect(screen.getByTestId('number-name').textContent).toContain('Declined');
    expect(screen.getByText(/webhooks go to another server/)).toBeTruthy();
    expect(screen.getByText('Shopping')).toBeTruthy();
  });

  it('takes the webhook address away, and sends a PIN nowhere but to its own request', async () => {
    const asked = show();
    await open();
    await userEvent.click(screen.getByTestId('number-own-webhook'));
    await waitFor(() => expect(asked.some((each) => each.method === 'PUT')).toBe(true));
    const put = asked.find((each) => each.method === 'PUT');
    expect(put?.path).toContain('/channels/chn_1/number/webhook');
    expect(put?.body).toEqual({ own: false });
    await userEvent.click(screen.getByTestId('number-register'));
    await userEvent.type(await screen.findByLabelText(/^PIN/), '123456');
    await userEvent.click(screen.getByTestId('number-pin-save'));
    await waitFor(() => expect(asked.some((each) => each.method === 'POST')).toBe(true));
    const post = asked.find((each) => each.method === 'POST');
    expect(post?.path).toContain('/number/register');
    expect(post?.body).toEqual({ pin: '123456' });
  });
});

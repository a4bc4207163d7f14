// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import type { Contact } from '@/api/types';
import { AppTheme } from '@/ui';
import { StartConversationDialog } from './StartConversationDialog';

vi.mock('@tanstack/react-router', () => ({ useNavigate: () => vi.fn() }));

afterEach(() => vi.unstubAllGlobals());

const TEMPLATE = {
  id: 'tpl_1',
  channel_id: 'chn_1',
  name: 'hello',
  language: 'en',
  body: 'Hello',
  status: 'APPROVED',
  header: null,
  header_format: null,
  header_media_id: null,
  footer: null,
  buttons: [],
  offer: null,
  slots: [],
  defaults: [],
  cards: [],
  parameter_count: 0,
};

/** Sends twice; gives the keys with which the server was asked, and the ids of the messages. */
async function twice(status: number, code: string) {
  const sent: { key: string | undefined; id: string }[] = [];
  vi.stubGlobal(
    'fetch',
    (_: string, init: { method: string; body?: string; headers: Record<string, string> }) => {
      if (init.method === 'GET')
        return Promise.resolve(Response.json({ data: [TEMPLATE], next_cursor: null }));
      const body = JSON.parse(init.body ?? '{}') as { reply: { client_id: string } };
      sent.push({ key: init.headers['Idempotency-Key'], id: body.reply.client_id });
      return Promise.resolve(Response.json({ code, detail: 'Not now' }, { status }));
    },
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <StartConversationDialog
          contact={{ id: 'con_1', first_name: 'Maria' } as Contact}
          onClose={vi.fn()}
        />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.selectOptions(await screen.findByTestId('start-template'), 'tpl_1');
  for (const times of [1, 2]) {
    await userEvent.click(screen.getByTestId('start-send'));
    await waitFor(() => expect(sent).toHaveLength(times));
    await screen.findByText('Not now.');
  }
  expect(sent.map((each) => each.key)).toEqual(sent.map((each) => each.id));
  return new Set(sent.map((each) => each.key)).size;
}

it('asks anew after a refusal, which the same key would only repeat', async () => {
  expect(await twice(409, 'at_capacity')).toBe(2);
});

it.each([
  [503, 'unavailable'],
  [409, 'idempotency_in_flight'],
])('asks for the same again when nothing was decided yet (%s %s)', async (status, code) => {
  expect(await twice(status, code)).toBe(1);
});

it('takes what cards and an offer need', async () => {
  const slot = (key: string, kind: string) => ({ key, kind, label: key, sample: null });
  const template = {
    ...TEMPLATE,
    body: 'Dear {{1}}',
    cards: [
      { header_format: 'image', header_media_id: 'med_1', body: 'Now {{1}}', buttons: [] },
      { header_format: 'image', header_media_id: 'med_2', body: 'Later', buttons: [] },
    ],
    offer: { text: 'Spring sale', expires: true },
    slots: [
      slot('body.1', 'text'),
      slot('card.0.header', 'file'),
      slot('card.0.body.1', 'text'),
      slot('card.1.header', 'file'),
      slot('offer', 'moment'),
    ],
    defaults: [{ slot: 'body.1', source: 'contact.attributes.title', fallback: 'customer' }],
  };
  let reply: Record<string, unknown> = {};
  vi.stubGlobal('fetch', (_: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET')
      return Promise.resolve(Response.json({ data: [template], next_cursor: null }));
    reply = (JSON.parse(init.body ?? '{}') as { reply: typeof reply }).reply;
    return Promise.resolve(Response.json({ code: 'no', detail: 'Not now' }, { status: 409 }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <StartConversationDialog
          contact={{ id: 'con_1', first_name: 'Maria', attributes: {} } as unknown as Contact}
          onClose={vi.fn()}
        />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.selectOptions(await screen.findByTestId('start-template'), 'tpl_1');
  const send = screen.getByTestId<HTMLButtonElement>('start-send');
  expect(send.disabled).toBe(true);
  const [name, ofCard] = screen.getAllByTestId<HTMLInputElement>('template-parameter');
  expect(name?.value).toBe('customer');
  await userEvent.type(ofCard!, '9 EUR');
  fireEvent.change(screen.getByTestId('template-offer-ends'), {
    target: { value: '2030-05-01T10:00' },
  });
  expect(screen.getByText('Now 9 EUR')).toBeTruthy();
  await userEvent.click(send);
  await screen.findByText('Not now.');
  expect(reply).toMatchObject({
    kind: 'template',
    parameters: ['customer'],
    cards: [
      { media_id: 'med_1', parameters: ['9 EUR'] },
      { media_id: 'med_2', parameters: [] },
    ],
  });
  expect(reply.offer_ends_at).toBe(new Date('2030-05-01T10:00').toISOString());
});

const line = (key: string, kind = 'text') => ({ key, kind, label: key, sample: null });

it.each([
  ['a code is nobody’s name', [line('body.1', 'code')], [], ['']],
  [
    'a field that is left open stays so beside one that is filled',
    [line('body.1'), line('body.2')],
    [{ slot: 'body.2', source: 'contact.attributes.address', fallback: '' }],
    ['', '12 Main St Springfield'],
  ],
  ['the name is the first text where nothing is said', [line('body.1')], [], ['Maria']],
])('fills in what is known: %s', async (_, slots, defaults, values) => {
  const template = { ...TEMPLATE, body: '{{1}} {{2}}', slots, defaults };
  vi.stubGlobal('fetch', () =>
    Promise.resolve(Response.json({ data: [template], next_cursor: null })),
  );
  const contact = {
    id: 'con_1',
    first_name: 'Maria',
    attributes: { address: '12 Main St\nSpringfield' },
  };
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <StartConversationDialog contact={contact as unknown as Contact} onClose={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.selectOptions(await screen.findByTestId('start-template'), 'tpl_1');
  const fields = screen.getAllByTestId<HTMLInputElement>('template-parameter');
  expect(fields.map((field) => field.value)).toEqual(values);
  expect(screen.getByTestId<HTMLButtonElement>('start-send').disabled).toBe(values.includes(''));
});

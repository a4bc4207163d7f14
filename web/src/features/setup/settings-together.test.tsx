// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Channel, Flow } from '@/api/types';
import { AppTheme } from '@/ui';
import { BounceRulesCard } from '../consent/BounceRulesCard';
import { SettingsSection } from '../consent/SettingsSection';
import { FlowsSection } from './FlowsSection';
import { LinkingSection } from './LinkingSection';
import { ConversationsSection } from './ConversationsSection';
import { MmsPriceCard } from './MmsPriceCard';
import { OptOutLineCard } from './OptOutLineCard';
import { PolicySection } from './PolicySection';
import { PricesSection } from './prices/PricesSection';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));
vi.mock('./prices/VolumesCard', () => ({ VolumesCard: () => null }));
vi.mock('../consent/use-sources', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

/** Stands for the server: what is stored at each path, which a colleague may change, and what was written. */
function server(stored: Record<string, unknown>, until: Promise<unknown> = Promise.resolve()) {
  const written: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const path = url.replace('/api/v1', '').split('?')[0] ?? '';
    if (init.method !== 'GET') {
      const body: unknown = JSON.parse(init.body ?? '{}');
      written.push({ method: init.method, path, body });
      if (path === '/flows/validate')
        return Promise.resolve(Response.json({ valid: true, problems: [] }));
      const answer = { ...(stored[path] as object), ...(body as object) };
      return until.then(() => Response.json(answer));
    }
    return Promise.resolve(Response.json(stored[path] ?? { data: [], next_cursor: null }));
  });
  return { stored, written };
}

function show(page: ReactNode) {
  const cache = new QueryClient();
  render(
    <QueryClientProvider client={cache}>
      <AppTheme>{page}</AppTheme>
    </QueryClientProvider>,
  );
  return cache;
}

const POLICY = {
  quiet_hours: { start: '21:00', end: '08:00' },
  quiet_spans: [],
  caps: [{ period: 'day', messages: 2 }],
  at_cap: 'hold',
  at_quiet_hours: 'hold',
  label_caps: [],
  open_hours: 'always',
};

const LINE = {
  when: 'every',
  text: 'STOP ends',
  texts: [],
  unanswerable: '',
  unanswerable_texts: [],
};
const BOUNCES = { after: 3, within_days: 30, hard_codes: ['1'], soft_codes: [] };
const CONSENT = {
  brand: 'Acme',
  stop_reply: '',
  start_reply: '',
  help_reply: '',
  rules: { opt_out_scope: 'all', replies: {}, silent: [], extra_words: [], keyword_quota: 5 },
};
const CONVERSATIONS = {
  messages: { start: { enabled: true, text: 'Hello', texts: [] } },
  hours: null,
  offer_outside_hours: false,
  idle: { warn_minutes: null, inactive_minutes: null, end_minutes: null },
  return_minutes: 0,
  pending_hours: 24,
  keep_deleted: false,
  cases: { moment: 'never', choice: 'create', subject: '', end: 'keep', reopen_days: 0 },
  opt_in: {
    kind: 'implicit',
    question: '',
    questions: [],
    words: [],
    confirmation: '',
    confirmations: [],
  },
};
const NUMBER = [{ id: 'chn_1', name: 'One', kind: 'whatsapp' } as Channel];

describe('what a colleague has saved meanwhile', () => {
  it('stays in the settings of campaigns', async () => {
    const before = { currency: 'EUR', mms_price: null, approval: 'not_needed' };
    const { written } = server({ '/campaign-settings': before });
    show(<MmsPriceCard />);
    await userEvent.type(await screen.findByTestId('mms-price'), '20');
    await userEvent.click(screen.getByTestId('mms-price-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    // Nothing but what this card is about is sent.
    expect(written[0]).toMatchObject({ method: 'PATCH' });
    expect(written[0]?.body).toEqual({ mms_price: 2000 });
  });

  it('is told beside a price that is being typed, which stays', async () => {
    const before = { currency: 'EUR', mms_price: 2000, approval: 'not_needed' };
    const { stored, written } = server({ '/campaign-settings': before });
    const cache = show(<MmsPriceCard />);
    const field = await screen.findByTestId('mms-price');
    await userEvent.clear(field);
    await userEvent.type(field, '30');
    stored['/campaign-settings'] = { ...before, mms_price: 2500 };
    await act(() => cache.invalidateQueries());
    await screen.findByText('Somebody else has changed the price meanwhile');
    expect(screen.getByTestId('mms-price')).toHaveProperty('value', '30');
    await userEvent.click(screen.getByRole('button', { name: 'Take theirs' }));
    expect(screen.getByTestId('mms-price')).toHaveProperty('value', '25.00');
    await userEvent.clear(field);
    await userEvent.type(field, '35');
    expect(screen.queryByText('Somebody else has changed the price meanwhile')).toBeNull();
    await userEvent.click(screen.getByTestId('mms-price-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({ mms_price: 3500 });
  });

  it('stays in the rules of opt-outs', async () => {
    const rules = {
      opt_out_scope: 'all',
      replies: {},
      silent: [],
      extra_words: [],
      keyword_quota: 5,
    };
    const before = { brand: 'Acme', stop_reply: 'Bye', start_reply: '', help_reply: '', rules };
    const { stored, written } = server({ '/consent-settings': before });
    show(<SettingsSection />);
    await userEvent.type(await screen.findByLabelText('Name in answers'), '!');
    const meanwhile = { ...rules, opt_out_scope: 'sender' };
    stored['/consent-settings'] = { ...before, stop_reply: 'Done', rules: meanwhile };
    await userEvent.click(screen.getByTestId('consent-settings-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({
      ...before,
      brand: 'Acme!',
      stop_reply: 'Done',
      rules: meanwhile,
    });
  });

  it('stays in the opt-out line', async () => {
    const { stored, written } = server({ '/campaign-settings': { opt_out_line: LINE } });
    show(<OptOutLineCard />);
    await userEvent.type(await screen.findByTestId('opt-out-text'), '!');
    const texts = [{ locale: 'de', body: 'STOP beendet' }];
    stored['/campaign-settings'] = { opt_out_line: { ...LINE, when: 'first', texts } };
    await userEvent.click(screen.getByTestId('opt-out-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({
      opt_out_line: { ...LINE, text: 'STOP ends!', when: 'first', texts },
    });
  });

  it('stays in the rules of bounces', async () => {
    const { stored, written } = server({ '/bounce-rules': BOUNCES });
    show(<BounceRulesCard />);
    await userEvent.type(await screen.findByLabelText('Codes that count too'), ', 2');
    stored['/bounce-rules'] = { ...BOUNCES, after: 5, soft_codes: ['9'] };
    await userEvent.click(screen.getByTestId('bounces-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({
      ...BOUNCES,
      after: 5,
      hard_codes: ['1', '2'],
      soft_codes: ['9'],
    });
    await waitFor(() =>
      expect(screen.getByLabelText<HTMLInputElement>(/^Onto the list after/).value).toBe('5'),
    );
  });

  it('stays in the linking rules', async () => {
    const before = { workspace: { rules: [], none: 'ask' }, channels: {} };
    const { stored, written } = server({ '/linking-rules': before });
    show(<LinkingSection channels={[]} />);
    await userEvent.selectOptions(await screen.findByTestId('linking-none'), 'nothing');
    const channels = { chn_1: { rules: [], none: 'create_lead' } };
    stored['/linking-rules'] = { ...before, channels };
    await userEvent.click(screen.getByTestId('linking-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({ workspace: { rules: [], none: 'nothing' }, channels });
  });

  it('is not among what is sent of the policy', async () => {
    const { written } = server({ '/policy': POLICY });
    show(<PolicySection />);
    await userEvent.selectOptions(
      await screen.findByLabelText('A message above a cap'),
      'suppress',
    );
    await userEvent.click(screen.getByTestId('policy-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({ at_cap: 'suppress' });
  });

  it('is a flow that is not published over unless that is wanted', async () => {
    const flow = { id: 'flo_1', slug: 'hello', name: 'Hello', published_version: 1 };
    const path = '/flows/flo_1';
    const { stored, written } = server({ [path]: { ...flow, source: 'one' } });
    show(<FlowsSection flows={[{ ...flow, updated_at: '2026-11-01T10:00:00Z' } as Flow]} />);
    await userEvent.click(await screen.findByTestId('flow-row'));
    await userEvent.type(await screen.findByTestId('flow-source'), ' more');
    stored[path] = { ...flow, published_version: 2, source: 'theirs' };
    await userEvent.click(screen.getByTestId('flow-publish'));
    await screen.findByText('Somebody else has published this flow meanwhile');
    expect(written.filter((each) => each.method === 'PUT')).toEqual([]);
    await userEvent.click(screen.getByTestId('flow-keep-mine'));
    await userEvent.click(screen.getByTestId('flow-publish'));
    await waitFor(() =>
      expect(written.at(-1)).toEqual({
        method: 'PUT',
        path: '/flows/hello',
        body: { source: 'one more' },
      }),
    );
  });
});

describe('what is typed while it is being saved', () => {
  it.each([
    ['opt-out line', '/campaign-settings', { opt_out_line: LINE }, 'Line', 'opt-out-save'],
    ['rules of bounces', '/bounce-rules', BOUNCES, 'Codes that count too', 'bounces-save'],
    [
      'settings of opt-outs',
      '/consent-settings',
      CONSENT,
      'Name in answers',
      'consent-settings-save',
    ],
    [
      'settings of a number',
      '/channels/chn_1/conversation-settings',
      CONVERSATIONS,
      /^A reply waits for/,
      'conversations-save',
    ],
  ])('stays: %s', async (_, path, before, label, button) => {
    let answer: (value?: unknown) => void = () => undefined;
    const { written } = server({ [path]: before }, new Promise((resolve) => (answer = resolve)));
    const pages: Record<string, ReactNode> = {
      'opt-out-save': <OptOutLineCard />,
      'bounces-save': <BounceRulesCard />,
      'consent-settings-save': <SettingsSection />,
      'conversations-save': <ConversationsSection channels={NUMBER} />,
    };
    show(pages[button]);
    const field = () => screen.getByLabelText<HTMLInputElement>(label);
    await userEvent.type(await screen.findByLabelText(label), '2');
    await userEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(written).toHaveLength(1));
    await userEvent.type(field(), '3');
    const typed = field().value;
    answer();
    await waitFor(() => expect(screen.getByTestId(button)).toHaveProperty('disabled', false));
    expect(field().value).toBe(typed);
    await userEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(written).toHaveLength(2));
    expect(JSON.stringify(written[1]?.body)).toContain(typed.split(', ').at(-1));
  });
});

describe('what is typed', () => {
  const other = { rules: [], none: 'create_lead' };

  it('stays in the policy while a colleague saves', async () => {
    const { stored, written } = server({ '/policy': POLICY });
    const cache = show(<PolicySection />);
    await userEvent.selectOptions(
      await screen.findByLabelText('A message above a cap'),
      'suppress',
    );
    await userEvent.click(screen.getByTestId('span-add'));
    stored['/policy'] = { ...POLICY, at_quiet_hours: 'discard', open_hours: 'at noon' };
    await cache.invalidateQueries();
    await screen.findByText(/leave: at noon/);
    const field = screen.getByLabelText<HTMLSelectElement>('A message above a cap');
    expect(field.value).toBe('suppress');
    expect(screen.getAllByTestId('quiet-span')).toHaveLength(1);
    await userEvent.click(screen.getByTestId('policy-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(Object.keys(written[0]?.body as object).sort()).toEqual(['at_cap', 'quiet_spans']);
    // What the colleague saved is shown with it, and is not undone by the next change.
    await waitFor(() =>
      expect(
        screen.getByLabelText<HTMLSelectElement>('A message that falls into quiet hours').value,
      ).toBe('discard'),
    );
  });

  it('stays in the linking rules while a colleague saves', async () => {
    const before = { workspace: { rules: [], none: 'ask' }, channels: {} };
    const { stored, written } = server({ '/linking-rules': before });
    const cache = show(<LinkingSection channels={[]} />);
    await userEvent.selectOptions(await screen.findByTestId('linking-none'), 'nothing');
    stored['/linking-rules'] = { ...before, channels: { chn_1: other } };
    await act(() => cache.invalidateQueries());
    expect(screen.getByTestId<HTMLSelectElement>('linking-none').value).toBe('nothing');
    await userEvent.click(screen.getByTestId('linking-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({
      workspace: { rules: [], none: 'nothing' },
      channels: { chn_1: other },
    });
  });

  it('stays beside the price lists while a colleague saves', async () => {
    const before = { price_zone: 'UTC', brake_ends: 'quality', mms_price: null, currency: 'EUR' };
    const { stored, written } = server({ '/campaign-settings': before });
    const cache = show(<PricesSection />);
    const field = await screen.findByTestId<HTMLInputElement>('price-zone');
    await userEvent.clear(field);
    await userEvent.type(field, 'Europe/Berlin');
    stored['/campaign-settings'] = { ...before, mms_price: 2000, brake_ends: 'person' };
    await act(() => cache.invalidateQueries());
    expect(screen.getByTestId<HTMLInputElement>('price-zone').value).toBe('Europe/Berlin');
    await userEvent.click(screen.getByTestId('price-rules-save'));
    await waitFor(() => expect(written).toHaveLength(1));
    expect(written[0]?.body).toEqual({ price_zone: 'Europe/Berlin' });
    await waitFor(() =>
      expect(screen.getByTestId<HTMLSelectElement>('brake-ends').value).toBe('person'),
    );
  });

  it('is of the channel that was chosen, also after it was saved', async () => {
    const before = { workspace: { rules: [], none: 'ask' }, channels: { chn_1: other } };
    const { written } = server({ '/linking-rules': before });
    const channels = ['One', 'Two'].map(
      (name, at) => ({ id: `chn_${at + 1}`, name, kind: 'whatsapp' }) as Channel,
    );
    show(<LinkingSection channels={channels} />);
    const scope = await screen.findByTestId<HTMLSelectElement>('linking-scope');
    await userEvent.selectOptions(scope, 'chn_1');
    await userEvent.selectOptions(screen.getByTestId('linking-none'), 'nothing');
    await userEvent.click(screen.getByTestId('linking-save'));
    await screen.findByText('Linking rules saved');
    expect(screen.getByTestId<HTMLSelectElement>('linking-scope').value).toBe('chn_1');
    await userEvent.selectOptions(screen.getByTestId('linking-none'), 'create_contact');
    await userEvent.click(screen.getByTestId('linking-save'));
    await waitFor(() => expect(written).toHaveLength(2));
    expect(written[1]?.body).toEqual({
      workspace: { rules: [], none: 'ask' },
      channels: { chn_1: { rules: [], none: 'create_contact' } },
    });
  });
});

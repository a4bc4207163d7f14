// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Channel } from '@/api/types';
import { isLostByClosing, lostByLeaving } from '@/lib/unsaved';
import { AppTheme } from '@/ui';
import { BounceRulesCard } from '../consent/BounceRulesCard';
import { SettingsSection } from '../consent/SettingsSection';
import { ConversationsSection } from './ConversationsSection';
import { LinkingSection } from './LinkingSection';
import { OptOutLineCard } from './OptOutLineCard';
import { PolicySection } from './PolicySection';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));
vi.mock('../consent/use-sources', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

const SETTINGS = {
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
const RULES = { opt_out_scope: 'all', replies: {}, silent: [], extra_words: [], keyword_quota: 5 };
/** As the server writes it: fields in the order of their names. */
const STORED: Record<string, object> = {
  '/channels/chn_1/conversation-settings': SETTINGS,
  '/channels/chn_2/conversation-settings': SETTINGS,
  '/consent-settings': {
    brand: 'Acme',
    stop_reply: '',
    start_reply: '',
    help_reply: '',
    rules: RULES,
  },
  '/campaign-settings': {
    opt_out_line: {
      when: 'every',
      text: 'STOP ends',
      texts: [],
      unanswerable: '',
      unanswerable_texts: [],
    },
  },
  '/linking-rules': { channels: {}, workspace: { none: 'ask', rules: [] } },
  '/policy': {
    quiet_hours: { start: '21:00', end: '08:00' },
    quiet_spans: [],
    caps: [{ messages: 2, period: 'day' }],
    at_cap: 'hold',
    at_quiet_hours: 'hold',
    label_caps: [],
    open_hours: 'always',
  },
  '/bounce-rules': { after: 3, within_days: 30, hard_codes: ['1'], soft_codes: [] },
};

let written: object[] = [];

function show(page: ReactNode) {
  written = [];
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const path = url.replace('/api/v1', '').split('?')[0] ?? '';
    const sent = init.method === 'GET' ? {} : (JSON.parse(init.body ?? '{}') as object);
    if (init.method !== 'GET') written.push(sent);
    const stored = STORED[path] ?? { data: [], next_cursor: null };
    return Promise.resolve(Response.json({ ...stored, ...sent }));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>{page}</AppTheme>
    </QueryClientProvider>,
  );
}

const type = (value: string) => (field: HTMLElement) => {
  fireEvent.change(field, { target: { value } });
};

describe('what is changed and not saved', () => {
  it.each([
    [
      'settings of opt-outs',
      <SettingsSection />,
      'Name in answers',
      'Acme!',
      'consent-settings-save',
    ],
    [
      'words that count',
      <SettingsSection />,
      'More words',
      'sv stop: sluta',
      'consent-settings-save',
    ],
    ['the opt-out line', <OptOutLineCard />, 'Line', 'STOP ends it', 'opt-out-save'],
    [
      'linking rules',
      <LinkingSection channels={[]} />,
      'When nothing matches',
      'nothing',
      'linking-save',
    ],
    ['the policy', <PolicySection />, 'A message above a cap', 'suppress', 'policy-save'],
    ['rules of bounces', <BounceRulesCard />, 'Codes that count too', '1, 2', 'bounces-save'],
  ])('is asked for before it is lost: %s', async (_, page, label, value, save) => {
    show(page);
    const field = await screen.findByLabelText<HTMLInputElement>(label);
    expect(isLostByClosing()).toBe(false);
    const was = field.value;
    type(value)(field);
    expect(lostByLeaving()).toHaveLength(1);
    type(was)(field);
    expect(lostByLeaving()).toEqual([]);
    type(value)(field);
    await userEvent.click(screen.getByTestId(save));
    await waitFor(() => expect(isLostByClosing()).toBe(false));
  });

  it('is all that is sent of the policy', async () => {
    show(<PolicySection />);
    type('suppress')(await screen.findByLabelText('A message above a cap'));
    await userEvent.click(screen.getByTestId('policy-save'));
    await waitFor(() => expect(written).toEqual([{ at_cap: 'suppress' }]));
  });

  it('is asked for before the other number is shown', async () => {
    const channels = ['One', 'Two'].map(
      (name, at) => ({ id: `chn_${at + 1}`, name, kind: 'whatsapp' }) as Channel,
    );
    show(<ConversationsSection channels={channels} />);
    const field = () => screen.findByTestId<HTMLTextAreaElement>('automatic-start-text');
    const number = screen.getByTestId<HTMLSelectElement>('conversations-number');
    type('Hello and welcome')(await field());
    await userEvent.selectOptions(number, 'chn_2');
    await userEvent.click(await screen.findByTestId('leave-stay'));
    expect((await field()).value).toBe('Hello and welcome');
    expect(number.value).toBe('chn_1');
    await userEvent.selectOptions(number, 'chn_2');
    await userEvent.click(await screen.findByTestId('leave-anyway'));
    await waitFor(() => expect(number.value).toBe('chn_2'));
    expect((await field()).value).toBe('Hello');
    // Nothing was changed here: it goes at once.
    await userEvent.selectOptions(number, 'chn_1');
    expect(screen.queryByTestId('leave-dialog')).toBeNull();
    expect(number.value).toBe('chn_1');
  });
});

// Canned answers about WhatsApp numbers, prices, files, data tables and what stands beside conversations.
import { ago, ahead, contacts, me, message, queues, sessions, templates } from './dataset.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const page = (items) => ({ data: items, next_cursor: null });

const idle = { warn_minutes: 20, inactive_minutes: 30, end_minutes: 120 };
const conversationSettings = {
  hours: {
    time_zone: 'America/New_York',
    spans: [
      { days: ['mon', 'tue', 'wed', 'thu', 'fri'], start_minute: 540, end_minute: 1080 },
      { days: ['sat'], start_minute: 600, end_minute: 840 },
    ],
    holidays: ['2026-12-25'],
  },
  offer_outside_hours: false,
  messages: {
    outside_hours: {
      enabled: true,
      text: 'We are back on Monday at 9.',
      texts: [{ locale: 'de', body: 'Wir sind am Montag um 9 wieder da.' }],
    },
  },
  idle,
  opt_in: {
    kind: 'explicit',
    question: 'May we write to you here about your request?',
    questions: [],
    confirmation: '',
    confirmations: [],
    words: ['yes'],
  },
  return_minutes: 60,
  pending_hours: 72,
  keep_deleted: true,
  cases: {
    moment: 'people',
    choice: 'attach_or_create',
    subject: 'Conversation',
    end: 'keep',
    reopen_days: 7,
  },
};

const rate = (market, category, thousandths, tiers = []) => ({
  market,
  category,
  thousandths,
  tiers,
});
const rateCards = [
  {
    name: 'October',
    valid_from: '2026-10-01',
    currency: 'USD',
    rates: [
      rate('United States', 'marketing', 2500),
      rate('United States', 'utility', 400, [
        { from: 1, thousandths: 400 },
        { from: 100_001, thousandths: 380 },
      ]),
      rate('Germany', 'marketing', 13_650),
    ],
  },
];
const tierVolume = {
  portfolio: '102290129340398',
  numbers: ['+15550100100'],
  market: 'United States',
  category: 'utility',
  messages: 61_204,
  price_thousandths: 400,
  tiers: [{ from: 1, price_thousandths: 400, messages: 61_204 }],
  next_tier: { from: 100_001, price_thousandths: 380, missing: 38_797 },
};

const form = {
  id: 'frm_1',
  channel_id: 'chn_1',
  provider_id: '480192',
  name: 'Test drive',
  status: 'PUBLISHED',
  categories: ['APPOINTMENT_BOOKING'],
  synced_at: ago(HOUR),
};

const column = (name, label, kind, more = {}) => ({
  name,
  label,
  kind,
  choices: [],
  is_key: false,
  ...more,
});
const table = {
  id: 'tbl_1',
  name: 'orders',
  label: 'Orders',
  columns: [
    column('number', 'Number', 'text', { is_key: true }),
    column('phone', 'Phone', 'text'),
    column('bought', 'Bought', 'date'),
    column('state', 'State', 'choice', { choices: ['open', 'sent'] }),
  ],
  link: { column: 'phone', by: 'phone' },
  row_count: 2,
  version: 1,
  created_at: ago(30 * DAY),
  updated_at: ago(DAY),
};
const rows = contacts.slice(0, 2).map((contact, index) => ({
  key: `1048${index}`,
  fields: {
    number: `1048${index}`,
    phone: contact.phone,
    bought: '2026-11-02',
    state: index === 0 ? 'open' : 'sent',
  },
  contact_id: contact.id,
  contact_name: `${contact.first_name} ${contact.last_name}`,
  created_at: ago(9 * DAY),
  updated_at: ago(DAY),
}));

const earlier = [message('ses_0', { at: ago(70 * DAY), text: 'Do you have tents for four?' })];

export const restRoutes = [
  ['GET', /^\/queues$/, () => page(queues)],
  [
    'GET',
    /^\/advertisements$/,
    () =>
      page([
        {
          source_id: '120208',
          kind: 'ad',
          headline: 'Tents for two',
          url: 'https://fb.example/ad',
          chats: 41,
          agent: 30,
          cases: 8,
          leads: 12,
          won: 3,
          last_at: ago(2 * HOUR),
        },
      ]),
  ],
  [
    'GET',
    /^\/campaigns\/[^/]+\/charges$/,
    () => ({
      currency: 'USD',
      total: 1432,
      messages: 1102,
      unpriced: 0,
      price_list: 'October',
      markets: [
        {
          market: 'United States',
          category: 'marketing',
          messages: 1102,
          free: 0,
          free_reasons: [],
          total: 1432,
          thousandths: 1_432_000,
          price_thousandths: 2500,
          tiers: [],
          next_tier: null,
          so_far: null,
        },
      ],
    }),
  ],
  ['GET', /^\/campaigns\/[^/]+\/media$/, () => page([])],
  ['GET', /^\/channels\/[^/]+\/conversation-settings$/, () => conversationSettings],
  [
    'GET',
    /^\/channels\/[^/]+\/limits$/,
    () => ({ most: 1000, used: 212, told_at: ago(DAY), brakes: [] }),
  ],
  [
    'GET',
    /^\/channels\/[^/]+\/notices$/,
    () =>
      page([
        {
          id: 'cnt_1',
          severity: 'warning',
          text: 'The quality of the number is yellow.',
          at: ago(3 * HOUR),
        },
      ]),
  ],
  [
    'GET',
    /^\/channels\/[^/]+\/number$/,
    () => ({
      display_phone_number: '+1 555-010-0100',
      verified_name: 'Northwind Outdoor',
      name_status: 'APPROVED',
      code_status: 'VERIFIED',
      status: 'CONNECTED',
      quality: 'YELLOW',
      messaging_limit: 'TIER_1K',
      webhook: 'https://segue.example/webhooks/whatsapp/chn_1',
      own_address: 'https://segue.example/webhooks/whatsapp/chn_1',
      account_webhook: null,
      profile: {
        about: 'Tents and bags',
        address: '',
        description: '',
        email: 'hello@northwind.example',
        vertical: 'RETAIL',
        websites: ['https://northwind.example'],
        picture_url: null,
      },
    }),
  ],
  [
    'GET',
    /^\/channels\/[^/]+\/prices$/,
    () =>
      page([
        {
          id: 'cpr_1',
          valid_from: ago(40 * DAY),
          currency: 'USD',
          prices: [{ country: 'US', per_thousand: 790 }],
          other_price: null,
          actor: me.id,
          created_at: ago(40 * DAY),
        },
      ]),
  ],
  [
    'GET',
    /^\/customer-blocks$/,
    () =>
      page([
        {
          messaging_user_id: 'mu_20',
          channel_id: 'chn_1',
          name: 'Marco Bianchi',
          state: 'blocked',
          failure: null,
          reason: 'Insults',
          actor: me.id,
          at: ago(DAY),
        },
      ]),
  ],
  [
    'GET',
    /^\/file-check$/,
    () => ({
      state: 'working',
      address: '127.0.0.1:3310',
      version: 'ClamAV 1.4',
      problem: null,
      files: { checking: 0, infected: 1, unchecked: 0 },
      last_problem: null,
    }),
  ],
  ['GET', /^\/forms$/, () => page([form])],
  ['GET', /^\/rate-cards$/, () => page(rateCards)],
  [
    'GET',
    /^\/volume-tiers$/,
    () => ({
      month: '2026-11',
      time_zone: 'America/New_York',
      price_list: 'October',
      currency: 'USD',
      markets_as_of: '2026-10-01',
      volumes: [tierVolume],
    }),
  ],
  [
    'GET',
    /^\/templates\/([^/]+)$/,
    ([, id]) => {
      const found = templates.find((each) => each.id === id);
      return found && { ...found, findings: [], parts: null };
    },
  ],
  [
    'POST',
    /^\/templates\/lint$/,
    (_, parts) => ({
      ok: parts.body !== '',
      findings:
        parts.body === ''
          ? [
              {
                rule: 'body_missing',
                severity: 'error',
                field: 'body',
                message: 'A template needs a text.',
              },
            ]
          : [],
    }),
  ],
  [
    'GET',
    /^\/keyword-templates$/,
    () =>
      page([
        {
          id: 'hours',
          title: 'Opening hours',
          description: 'Answers with the hours of your shop.',
          word: 'HOURS',
          action: {
            kind: 'reply',
            text: 'We are open from 9 to 5.',
            questions: [],
            closing: null,
            next_keyword: null,
          },
        },
      ]),
  ],
  [
    'GET',
    /^\/keywords\/[^/]+\/votes$/,
    ([path]) => ({
      keyword_id: path.split('/')[2],
      word: 'VOTE',
      state: 'open',
      closes_at: ahead(3 * DAY),
      first_at: ago(DAY),
      last_at: ago(HOUR),
      total: 87,
      options: [
        { word: 'green', label: 'Green', votes: 51, offered: true },
        { word: 'sand', label: 'Sand', votes: 36, offered: true },
      ],
    }),
  ],
  [
    'GET',
    /^\/linking-rules$/,
    () => ({
      workspace: {
        rules: [
          { by: 'reference', object: 'contact', one: 'link', many: 'ask' },
          { by: 'phone', object: 'contact', one: 'link', many: 'link_newest' },
        ],
        none: 'create_contact',
      },
      channels: {},
    }),
  ],
  [
    'GET',
    /^\/mentions$/,
    () =>
      page([
        {
          id: 'men_1',
          session_id: 'ses_2',
          message_id: 'msg_000001',
          author: 'Ben Okafor',
          at: ago(2 * HOUR),
          read_at: null,
          about: {
            channel_id: 'chn_1',
            customer: sessions[1].customer.name,
            excerpt: '@Ada Lindqvist can you look at this bag?',
          },
        },
      ]),
  ],
  [
    'GET',
    /^\/message-search$/,
    () =>
      page([
        {
          message_id: 'msg_000001',
          session_id: 'ses_1',
          messaging_user_id: 'mu_1',
          channel_id: 'chn_1',
          customer: sessions[0].customer.name,
          session_state: 'active',
          direction: 'inbound',
          author: { kind: 'customer', name: null },
          kind: 'text',
          at: ago(2 * HOUR),
          excerpt: [
            { text: 'Do you have the ', hit: false },
            { text: 'tent', hit: true },
            { text: ' in green?', hit: false },
          ],
        },
      ]),
  ],
  [
    'GET',
    /^\/sessions\/[^/]+\/colleagues$/,
    () =>
      page([
        { id: 'usr_2', name: 'Ben Okafor', role: 'agent', can_see: true },
        { id: 'usr_4', name: 'Dan Weiss', role: 'marketer', can_see: false },
      ]),
  ],
  [
    'GET',
    /^\/sessions\/[^/]+\/earlier$/,
    () => ({
      session: { ...sessions[9], id: 'ses_0', state: 'ended', ended_at: ago(69 * DAY) },
      data: earlier,
      next_cursor: null,
    }),
  ],
  ['GET', /^\/sessions\/[^/]+\/forms$/, () => page([form])],
  [
    'GET',
    /^\/sessions\/[^/]+\/messages\/([^/]+)\/flight$/,
    ([, id]) => ({
      message_id: id,
      direction: 'outbound',
      provider_id: 'wamid.1',
      hops: [
        { step: 'created', at: ago(HOUR), clock: 'ours', detail: null },
        { step: 'accepted', at: ago(HOUR - 900), clock: 'ours', detail: null },
        { step: 'delivered', at: ago(HOUR - 3000), clock: 'provider', detail: null },
      ],
    }),
  ],
  [
    'GET',
    /^\/sessions\/([^/]+)\/pending-replies$/,
    ([, id]) =>
      page(
        id === 'ses_4'
          ? [
              {
                id: 'prp_1',
                session_id: id,
                kind: 'text',
                text: 'The parcel is on its way again.',
                reason: 'window_closed',
                author: { id: me.id, name: me.name },
                created_at: ago(HOUR),
                expires_at: ahead(2 * DAY),
                version: 1,
              },
            ]
          : [],
      ),
  ],
  [
    'GET',
    /^\/snippets\/[^/]+\/versions$/,
    () =>
      page([
        {
          version: 3,
          body: 'Reply STOP to end, HELP for help.',
          actor: me.id,
          created_at: ago(DAY),
        },
        { version: 2, body: 'Reply STOP to end.', actor: me.id, created_at: ago(9 * DAY) },
      ]),
  ],
  [
    'GET',
    /^\/suppression-events$/,
    () =>
      page([
        {
          action: 'added',
          source: 'manual',
          reason: 'Asked by phone not to be texted',
          actor: me.id,
          at: ago(DAY),
        },
      ]),
  ],
  ['GET', /^\/tables$/, () => page([table])],
  ['GET', /^\/tables\/[^/]+$/, () => table],
  ['GET', /^\/tables\/[^/]+\/rows$/, () => page(rows)],
  [
    'GET',
    /^\/transcript-exports$/,
    () =>
      page([
        {
          id: 'tex_1',
          of: { kind: 'session', session_id: 'ses_1' },
          format: 'html',
          include_notes: false,
          time_zone: 'America/New_York',
          actor: me.id,
          actor_name: me.name,
          at: ago(DAY),
          file_url: '/api/v1/transcript-exports/tex_1/file',
        },
      ]),
  ],
];

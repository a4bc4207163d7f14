// A small, fixed world around one campaign: enough to look at every screen.
const HOUR = 3_600_000;
const MINUTE = 60_000;

export const ago = (ms) => new Date(Date.now() - ms).toISOString();
export const ahead = (ms) => new Date(Date.now() + ms).toISOString();

const NAMES = [
  'Maria Lopez',
  'James Carter',
  'Aiko Tanaka',
  'Lena Fischer',
  'Omar Haddad',
  'Sofia Rossi',
  'Noah Williams',
  'Priya Nair',
  'Chloe Martin',
  'Diego Alvarez',
  'Emma Johansson',
  'Liam O’Brien',
  'Fatima Zahra',
  'Tom Becker',
  'Grace Kim',
  'Lucas Moreau',
  'Ana Silva',
  'Ben Okafor',
  'Ivy Chen',
  'Marco Bianchi',
];
const TEXTS = [
  'Do you have the blue one in size M?',
  'Thank you, that helps a lot!',
  'When will order 10482 arrive?',
  'Can I change the delivery address?',
  'I would like to book a test drive on Saturday',
  'Is the spring offer still on?',
  'Perfect, see you then',
  'My parcel is damaged, here is a picture',
  'Could you send me the price list?',
  'Hi! I would like to know more. [K7Q2]',
];

export const workspace = {
  id: 'wsp_1',
  name: 'Northwind Outdoor',
  time_zone: 'America/New_York',
  country: 'US',
  quiet_hours: { start: '21:00', end: '08:00' },
  language: 'en',
  erase_transcripts: false,
};
export const me = {
  id: 'usr_1',
  email: 'ada@northwind.example',
  name: 'Ada Lindqvist',
  role: 'admin',
  created_at: ago(90 * 24 * HOUR),
  disabled_at: null,
};
const colleague = (id, name, role) => ({
  ...me,
  id,
  name,
  role,
  email: `${name.split(' ')[0].toLowerCase()}@northwind.example`,
});
export const users = [
  me,
  colleague('usr_2', 'Ben Okafor', 'agent'),
  colleague('usr_3', 'Carla Mendes', 'supervisor'),
  colleague('usr_4', 'Dan Weiss', 'marketer'),
];

const presenceOf = (status, load) => ({ status, capacity: 4, load, updated_at: ago(5 * MINUTE) });
export const presence = presenceOf('available', 3);
export const agents = [
  { user_id: 'usr_1', name: 'Ada Lindqvist', presence },
  { user_id: 'usr_2', name: 'Ben Okafor', presence: presenceOf('busy', 4) },
  { user_id: 'usr_3', name: 'Carla Mendes', presence: presenceOf('offline', 0) },
];
export const queues = [
  {
    id: 'que_1',
    name: 'Sales',
    slug: 'sales',
    offer_seconds: 30,
    members: [
      { user_id: 'usr_1', name: 'Ada Lindqvist' },
      { user_id: 'usr_2', name: 'Ben Okafor' },
    ],
    waiting: 2,
    longest_wait_seconds: 95,
  },
  {
    id: 'que_2',
    name: 'Service',
    slug: 'service',
    offer_seconds: 30,
    members: [{ user_id: 'usr_2', name: 'Ben Okafor' }],
    waiting: 0,
    longest_wait_seconds: null,
  },
];

export const channels = [
  {
    id: 'chn_1',
    kind: 'whatsapp',
    name: 'WhatsApp Sales',
    state: 'connected',
    state_detail: null,
    display: '+15550100100',
    webhook_path: '/webhooks/whatsapp/chn_1',
    flow: 'welcome',
    queue: 'sales',
    last_inbound_at: ago(2 * MINUTE),
    config: { phone_number_id: '106540352242922', waba_id: '102290129340398' },
  },
  {
    id: 'chn_2',
    kind: 'smpp',
    name: 'SMS account',
    state: 'error',
    state_detail: 'The carrier refused the sign-in (code 14). Check system ID and password.',
    display: 'smpp.carrier.example:2775',
    webhook_path: null,
    flow: null,
    queue: null,
    last_inbound_at: null,
    config: { host: 'smpp.carrier.example', port: 2775, system_id: 'northwind' },
  },
];
export const senders = [
  {
    id: 'snd_1',
    channel_id: 'chn_2',
    address: '+15550100200',
    kind: 'long_code',
    registration: 'active',
  },
  {
    id: 'snd_2',
    channel_id: 'chn_2',
    address: 'NORTHWIND',
    kind: 'alphanumeric',
    registration: 'pending',
  },
];
export const flowSource = `{
  "slug": "welcome",
  "name": "Welcome and hand over",
  "start": "ask_name",
  "steps": {
    "ask_name": { "say": "Welcome! What is your name?", "store": "name", "next": "ask_topic" },
    "ask_topic": { "say": "What is it about?", "buttons": ["Order", "Product", "Other"], "store": "topic", "next": "agent" },
    "agent": { "hand_over": "sales" }
  }
}
`;
export const flows = [
  {
    id: 'flw_1',
    slug: 'welcome',
    name: 'Welcome and hand over',
    published_version: 3,
    updated_at: ago(26 * HOUR),
  },
];
export const checklist = [
  { key: 'sms_channel', label: 'Connect an SMS account', done: true, hint: '' },
  { key: 'whatsapp_channel', label: 'Connect a WhatsApp number', done: true, hint: '' },
  { key: 'templates_synced', label: 'Sync the approved templates', done: true, hint: '' },
  {
    key: 'agent_available',
    label: 'First agent is available',
    done: false,
    hint: 'Add a user with the role Agent, put them into a queue, and let them choose Available.',
  },
  {
    key: 'first_contacts',
    label: 'Import contacts with consent',
    done: false,
    hint: 'A CSV file with phone numbers and the proof of consent.',
  },
  {
    key: 'first_campaign',
    label: 'Start the first campaign',
    done: false,
    hint: 'Write a text, choose a list, start.',
  },
];
export const templates = [
  ['follow_up', 'Hi {{1}}, we are back with an answer to your question. Shall we go on here?', 1],
  ['delivery_update', 'Hello {{1}}, your order {{2}} leaves our warehouse today.', 2],
  ['appointment_reminder', 'A reminder of your appointment tomorrow. Reply here to change it.', 0],
].map(([name, body, parameter_count], index) => ({
  id: `tpl_${index + 1}`,
  channel_id: 'chn_1',
  name,
  language: 'en',
  category: 'UTILITY',
  status: 'APPROVED',
  body,
  header: index === 1 ? 'Delivery' : null,
  footer: 'Northwind Outdoor',
  buttons: [],
  cards: [],
  offer: null,
  parameter_count,
  header_format: index === 1 ? 'text' : null,
  header_media_id: null,
  slots: Array.from({ length: parameter_count }, (_, at) => ({
    key: `body.${at + 1}`,
    kind: 'text',
    label: `{{${at + 1}}}`,
    sample: null,
  })),
  defaults: [],
  quality: null,
  reason: null,
  asked_category: null,
  operation: null,
  failure: null,
  has_draft: false,
}));
export const quickReplies = [
  { id: 'qr_1', title: 'Greeting', text: 'Hello, this is Ada from Northwind. How can I help you?' },
  {
    id: 'qr_2',
    title: 'Delivery time',
    text: 'Delivery takes two to three working days. You get a tracking link as soon as the parcel leaves.',
  },
  {
    id: 'qr_3',
    title: 'Opening hours',
    text: 'Our shop is open Monday to Saturday, 9 am to 7 pm.',
  },
];

export const contacts = NAMES.map((name, index) => ({
  id: `con_${index + 1}`,
  phone: `+1555010${String(1000 + index)}`,
  first_name: name.split(' ')[0],
  last_name: name.split(' ').slice(1).join(' '),
  email: index % 3 === 0 ? null : `${name.split(' ')[0].toLowerCase()}@mail.example`,
  locale: 'en',
  time_zone: 'America/New_York',
  external_key: index % 2 === 0 ? `C-${1000 + index}` : null,
  attributes: {
    loyalty_tier: ['gold', 'silver', 'bronze'][index % 3],
    city: ['Boston', 'Austin', 'Denver'][index % 3],
  },
  sms_consent: index % 7 === 3 ? 'revoked' : index % 5 === 4 ? 'none' : 'granted',
  whatsapp_consent: index % 4 === 0 ? 'granted' : 'none',
  created_at: ago((40 - index) * 24 * HOUR),
  updated_at: ago(index * HOUR),
}));
export const lists = [
  { id: 'lst_1', name: 'Newsletter spring', member_count: 1284, created_at: ago(20 * 24 * HOUR) },
  { id: 'lst_2', name: 'Test drive requests', member_count: 62, created_at: ago(4 * 24 * HOUR) },
];
export const consentEvents = [
  {
    id: 'cev_2',
    channel: 'whatsapp',
    address: '+15550101000',
    purpose: 'service',
    action: 'grant',
    method: 'in_chat',
    wording: 'May we write to you here about your request?',
    proof: 'Message wamid.1 of this session',
    actor: 'Customer',
    occurred_at: ago(3 * HOUR),
    recorded_at: ago(3 * HOUR),
  },
  {
    id: 'cev_1',
    channel: 'sms',
    address: '+15550101000',
    purpose: 'marketing',
    action: 'grant',
    method: 'web_form',
    wording: 'Yes, send me offers by text message. Reply STOP to end.',
    proof: 'Form 2026-02, entry 4711',
    actor: 'CSV import',
    occurred_at: ago(30 * 24 * HOUR),
    recorded_at: ago(20 * 24 * HOUR),
  },
];

const campaign = (number, name, state, body, startedHours) => ({
  id: `cmp_${number}`,
  number,
  name,
  state,
  sender_id: 'snd_1',
  audience: {
    list_id: 'lst_1',
    filter: null,
    lists: [],
    segments: ['seg_1'],
    exclude_lists: [],
    exclude_segments: [],
    exclude_campaigns: number === 15 ? ['cmp_14'] : [],
    tables: [],
    exclude_tables: [],
  },
  body,
  footer: 'tracked',
  whatsapp_channel_id: 'chn_1',
  prefilled_text: 'Hi! I would like to know more.',
  schedule: {
    starts_at: null,
    clock: 'workspace',
    repeat: null,
    misfire: 'run_late',
    late_hours: 12,
    window: null,
    per_minute: null,
    expires_hours: null,
  },
  variants:
    number === 14
      ? [
          { name: 'A', weight: 1, body, texts: [] },
          {
            name: 'B',
            weight: 1,
            body: 'Tents, 20 % off until Sunday. Tap and ask us:',
            texts: [],
          },
        ]
      : [],
  held_out_percent: number === 14 ? 10 : 0,
  pool_id: null,
  texts: [],
  template: null,
  media: [],
  rules: { programme_id: null, label: null, at_quiet_hours: null },
  hold: null,
  next_run_at: null,
  runs: 0,
  series_id: null,
  attention: null,
  submitted_by: null,
  approved_by: null,
  review_comment: null,
  created_at: ago(50 * HOUR),
  started_at: startedHours === null ? null : ago(startedHours * HOUR),
  ended_at: state === 'finished' ? ago((startedHours - 2) * HOUR) : null,
  created_by: 'usr_4',
  version: 3,
});
export const campaigns = [
  campaign(
    14,
    'Spring offer',
    'running',
    'Hi {{ first_name }}, our spring offer is here: 20 % off all tents until Sunday. Questions? Tap and ask us:',
    5,
  ),
  campaign(
    15,
    'Test drive weekend',
    'draft',
    'Hi {{ first_name }}, it’s time for your test drive “weekend”. Tap to choose a time:',
    null,
  ),
  campaign(
    13,
    'Winter clearance',
    'finished',
    'Last chance: winter jackets at half price. Tap to ask for your size:',
    600,
  ),
  campaign(
    12,
    'Loyalty survey',
    'paused',
    'Two questions, one minute, ten points. Tap to answer:',
    30,
  ),
];
export const funnel = {
  planned: 1184,
  excluded: 100,
  queued: 36,
  sent: 1139,
  delivered: 1102,
  failed: 7,
  unknown: 2,
  canceled: 0,
  tapped: 412,
  tapped_filtered: 412,
  taps_raw: 655,
  chats: 268,
  bot_finished: 221,
  agent: 174,
  cases: 61,
  leads: 83,
  won: 29,
  assessed: 1184,
  chats_by_tier: [
    { tier: 'certain', count: 201 },
    { tier: 'claimed', count: 67 },
  ],
  languages: [],
  excluded_by_rule: [
    { rule: 'no_consent', label: 'No SMS consent', count: 71 },
    { rule: 'opted_out', label: 'Opted out with STOP', count: 22 },
    { rule: 'invalid_phone', label: 'No valid phone number', count: 7 },
  ],
  failures: [
    { code: '30005', label: 'Number does not exist', count: 5 },
    { code: '30007', label: 'Filtered by the carrier', count: 2 },
  ],
};
export const recipients = contacts.map((contact, index) => ({
  position: index + 1,
  contact_id: contact.id,
  name: `${contact.first_name} ${contact.last_name}`,
  phone: contact.phone,
  state: ['delivered', 'delivered', 'sent', 'excluded', 'delivered', 'failed', 'unknown', 'queued'][
    index % 8
  ],
  rule: index % 8 === 3 ? 'no_consent' : null,
  reason:
    { 3: 'No SMS consent', 5: 'Number does not exist', 6: 'The carrier did not answer in time' }[
      index % 8
    ] ?? null,
  text: null,
  segments: 2,
  channel_id: 'chn_2',
  explanation: null,
  route: null,
  submitted_at: index % 8 === 7 ? null : ago(4 * HOUR),
  sent_at: index % 8 === 7 ? null : ago(4 * HOUR),
  delivered_at: ago(4 * HOUR),
  first_tap_at: index % 3 === 0 ? ago(3 * HOUR) : null,
  first_tap_device: index % 3 === 0 ? 'iphone' : null,
  first_tap_link: index % 3 === 0 ? 0 : null,
  session_id: index % 3 === 0 ? `ses_${index + 1}` : null,
}));

export const sessions = NAMES.map((name, index) => {
  const mine = index < 7;
  const waiting = index >= 7 && index < 9;
  const last = ago(index * 13 * MINUTE + 30_000);
  return {
    id: `ses_${index + 1}`,
    channel_id: 'chn_1',
    state: waiting ? 'waiting' : 'active',
    customer: {
      messaging_user_id: `mu_${index + 1}`,
      name,
      phone: `+1555010${String(1000 + index)}`,
      username: null,
      contact_id: index === 2 ? null : `con_${index + 1}`,
      lead_id: null,
    },
    campaign: index % 4 === 3 ? null : { id: 'cmp_14', name: 'Spring offer' },
    attribution: ['certain', 'claimed', 'inferred', 'none'][index % 4],
    queue_id: 'que_1',
    agent: mine
      ? { id: 'usr_1', name: 'Ada Lindqvist' }
      : waiting
        ? null
        : { id: 'usr_2', name: 'Ben Okafor' },
    bot_active: false,
    opt_in: { state: 'granted', at: ago(3 * HOUR) },
    window_expires_at:
      index === 1
        ? ahead(42 * MINUTE)
        : index === 3
          ? ago(2 * HOUR)
          : ahead((23 - index) * HOUR + 17 * MINUTE),
    unread_count: [0, 2, 1, 0, 0, 3, 0][index] ?? (waiting ? 1 : 0),
    last_message: {
      text: TEXTS[index % TEXTS.length],
      at: last,
      direction: index % 5 === 1 ? 'outbound' : 'inbound',
    },
    started_at: ago((index + 2) * HOUR),
    ended_at: null,
    ended_by: null,
    case_id: index === 0 ? 'cas_1' : null,
    gathered: [
      { name: 'name', label: 'Name', value: name },
      { name: 'topic', label: 'Topic', value: 'Product' },
      { name: 'order', label: 'Order number', value: '10482' },
    ],
    free_entry_until: null,
    origin: 'customer',
    pending_count: index === 3 ? 1 : 0,
    numbers: {
      customer_messages: 6,
      bot_messages: 3,
      agent_messages: mine ? 4 : 0,
      first_response: mine ? 95 : null,
      average_response: mine ? 140 : null,
      waits_since: waiting ? last : null,
    },
    version: 1,
  };
});

let counter = 0;
export function message(sessionId, overrides) {
  counter += 1;
  return {
    id: `msg_${String(counter).padStart(6, '0')}`,
    session_id: sessionId,
    direction: 'inbound',
    author: { kind: 'customer', name: null },
    kind: 'text',
    text: '',
    buttons: [],
    sections: [],
    media: null,
    template: null,
    details: null,
    reply_to: null,
    mentions: [],
    state: null,
    error: null,
    at: new Date().toISOString(),
    client_id: null,
    ...overrides,
  };
}

const bot = { direction: 'outbound', author: { kind: 'bot', name: 'Welcome bot' }, state: 'read' };
const agent = { direction: 'outbound', author: { kind: 'agent', name: 'Ada Lindqvist' } };
const system = { direction: 'system', author: { kind: 'system', name: null }, kind: 'system' };
export function conversation(session) {
  const at = (minutes) => ({ at: ago(minutes * MINUTE) });
  const first = message(session.id, { ...at(1500), text: 'Hi! I would like to know more. [K7Q2]' });
  const question = message(session.id, {
    ...at(1497),
    ...bot,
    kind: 'buttons',
    text: 'Nice to meet you. What is it about?',
    buttons: [
      { id: 'b1', title: 'An order', description: null },
      { id: 'b2', title: 'A product', description: null },
      { id: 'b3', title: 'Something else', description: null },
    ],
  });
  return [
    first,
    message(session.id, {
      ...at(1499),
      ...bot,
      text: 'Welcome to Northwind Outdoor. May we write to you here about your request? You can stop at any time with STOP.',
    }),
    message(session.id, { ...at(1498), kind: 'reply', text: 'Yes, gladly' }),
    message(session.id, {
      ...at(1498),
      ...system,
      text: 'The customer agreed to be contacted in this session',
    }),
    question,
    message(session.id, { ...at(1496), kind: 'reply', text: 'A product', reply_to: question.id }),
    message(session.id, {
      ...at(1495),
      ...bot,
      text: 'Thank you. A colleague is with you in a moment.',
    }),
    message(session.id, { ...at(60), ...system, text: 'Ada Lindqvist accepted the conversation' }),
    message(session.id, {
      ...at(58),
      ...agent,
      state: 'read',
      text: `Hello ${session.customer.name.split(' ')[0]}, this is Ada. The two-person tent comes in green and sand: https://northwind.example/tents/ridge-2`,
    }),
    message(session.id, { ...at(40), text: 'Great! Does it fit into the bag on this picture?' }),
    message(session.id, {
      ...at(39),
      kind: 'image',
      text: 'My bag',
      media: {
        id: 'med_1',
        mime: 'image/png',
        file_name: 'bag.png',
        url: '/api/v1/media/med_1',
        size: 48_213,
        presence: 'stored',
      },
    }),
    message(session.id, {
      ...at(30),
      author: agent.author,
      direction: 'outbound',
      kind: 'note',
      text: 'Bag looks like the 45 l model, the tent needs 50 l.',
      state: null,
    }),
    message(session.id, {
      ...at(20),
      ...agent,
      state: 'delivered',
      text: 'It will be tight. I would take the 50 litre bag, it is in the offer too.',
    }),
    message(session.id, {
      ...at(12),
      ...agent,
      state: 'failed',
      text: 'Here is our price list.',
      error: {
        code: '131053',
        reason: 'The file could not be uploaded',
        advice: 'Send it again as PDF below 5 MB.',
      },
    }),
    message(session.id, {
      ...at(8),
      ...agent,
      state: 'unknown',
      text: 'Shall I reserve one for you?',
    }),
    message(session.id, { at: session.last_message.at, text: session.last_message.text }),
  ];
}

const row = (part) => ({
  row: {
    name: '',
    values: [],
    ignore_case: false,
    campaign_id: null,
    days: null,
    having: [],
    ...part,
  },
});
export const segments = [
  {
    id: 'seg_1',
    name: 'Berlin, tapped lately',
    condition: 'contact.city.lowerAscii() == "berlin" && (clicked(90) || has(contact.tier))',
    form: {
      join: 'all',
      items: [
        row({
          topic: 'field',
          name: 'city',
          operator: 'is',
          values: ['berlin'],
          ignore_case: true,
        }),
        {
          group: {
            join: 'any',
            items: [
              row({ topic: 'event', name: 'clicked', operator: 'happened', days: 90 }),
              row({ topic: 'field', name: 'tier', operator: 'filled' }),
            ],
          },
        },
      ],
    },
    created_at: ago(90 * HOUR),
    updated_at: ago(4 * HOUR),
    created_by: 'Mara Marketer',
    version: 2,
  },
];
export const members = contacts.slice(0, 5).map((each) => ({
  id: each.id,
  name: `${each.first_name} ${each.last_name}`,
  phone: each.phone,
  sms_consent: each.sms_consent,
}));

// What the consent pages show.
import { ahead, ago, consentEvents, contacts } from './dataset.mjs';

const event = (change) => ({
  ...consentEvents[0],
  scope: 'all',
  wording_hash: 'a3f1c09d55b2',
  context: null,
  expires_at: null,
  ...change,
});

export const ledger = [
  event({
    id: 'cev_9',
    action: 'revoke',
    channel: 'whatsapp',
    method: 'free_text',
    wording: 'please take me off your list',
    proof: 'inb_01k2',
    actor: 'customer',
  }),
  event({
    id: 'cev_8',
    action: 'confirm',
    scope: 'prg_1',
    method: 'keyword',
    wording: 'Yes',
    actor: 'customer',
  }),
  event({
    id: 'cev_7',
    action: 'request',
    scope: 'prg_1',
    method: 'web_form',
    context: {
      source: 'shop.example/join',
      form_version: 'v3',
      ip: '192.0.2.4',
      jurisdiction: null,
      language: null,
      user_agent: null,
    },
  }),
  ...consentEvents.map(event),
];

const standing = (channel, purpose, state, decided_by = null) => ({
  channel,
  purpose,
  scope: 'all',
  state,
  since: decided_by?.occurred_at ?? null,
  expires_at: null,
  decided_by,
});

export const subscriptions = [
  {
    id: 'sbs_1',
    programme_id: 'prg_1',
    programme_name: 'Shoe news',
    address: contacts[0].phone,
    contact_id: contacts[0].id,
    contact_name: 'Ana Lopez',
    state: 'active',
    method: 'web_form',
    awaits: null,
    requested_at: ago(9_000_000),
    expires_at: null,
    confirmed_at: ago(8_900_000),
    ended_at: null,
    end_reason: null,
  },
  {
    id: 'sbs_2',
    programme_id: 'prg_1',
    programme_name: 'Shoe news',
    address: '+15550100088',
    contact_id: null,
    contact_name: null,
    state: 'pending',
    method: 'keyword',
    awaits: 'confirmation',
    requested_at: ago(600_000),
    expires_at: ahead(200_000_000),
    confirmed_at: null,
    ended_at: null,
    end_reason: null,
  },
];

export const contactConsent = {
  contact_id: contacts[0].id,
  phone: contacts[0].phone,
  standings: [
    standing('sms', 'marketing', 'in_review', ledger[3]),
    standing('sms', 'service', 'none'),
    standing('whatsapp', 'marketing', 'revoked', ledger[0]),
    standing('whatsapp', 'service', 'none'),
  ],
  subscriptions: subscriptions.slice(0, 1),
  open_reviews: ['crv_1'],
  is_suppressed: false,
};

export const texts = [
  ['itx_3', 'I think you have the wrong number', 'review'],
  ['itx_2', 'Yes', 'opt_in'],
  ['itx_1', 'NEWS', 'opt_in'],
].map(([id, text, outcome], index) => ({
  id,
  sender: '+15550100000',
  text,
  files: [],
  outcome,
  received_at: ago((index + 1) * 4_000_000),
}));

export const reviews = [
  ['crv_1', 'I think you have the wrong number', ['wrong number'], 'sms', contacts[0]],
  ['crv_2', 'Sorry, not interested in shoes', ['not interested'], 'sms', null],
  ['crv_3', 'Enough already with the messages 😤', ['enough already'], 'whatsapp', contacts[1]],
].map(([id, text, words, channel, contact], index) => ({
  id,
  channel,
  address: contact?.phone ?? '+15550100077',
  contact_id: contact?.id ?? null,
  contact_name: contact === null ? null : `${contact.first_name} ${contact.last_name}`,
  sender: '+15550100000',
  text,
  words,
  state: 'open',
  decided_by: null,
  decided_at: null,
  created_at: ago((index + 1) * 900_000),
}));

const settings = {
  welcome_text: '{brand}: you joined {programme}. HELP for help, STOP to end.',
  ask_text: '{brand}: reply YES to join {programme}. HELP for help, STOP to end.',
  already_text: '{brand}: you are in {programme} already.',
  declined_text: '',
  accepted_words: ['YES', 'Y'],
  pending_hours: 72,
  birth_date_question: '{brand}: reply with your birth date.',
  minimum_age: 18,
  too_young_text: '{brand}: sorry, you cannot join {programme}.',
  retry_text: '{brand}: please reply with your birth date.',
  date_formats: ['mdy'],
  caps: [],
};

export const programmes = [
  ['prg_1', 'Shoe news', 'double', 1_204, 31, null],
  ['prg_2', 'Wine club', 'age_gated', 88, 4, null],
  ['prg_3', 'Summer raffle', 'single', 512, 0, ago(4_000_000_000)],
].map(([id, name, opt_in, active, pending, ended_at]) => ({
  id,
  sender_id: 'snd_1',
  name,
  opt_in,
  covers: 'all_marketing',
  list_id: null,
  settings,
  active,
  pending,
  created_at: ago(9_000_000_000),
  ended_at,
  version: 1,
}));

export const keywords = [
  ['kwd_1', 'NEWS', { kind: 'join', programme_id: 'prg_1' }, null],
  ['kwd_2', 'WINE', { kind: 'join', programme_id: 'prg_2' }, ahead(900_000_000)],
  [
    'kwd_3',
    'QUIZ',
    {
      kind: 'reply',
      text: 'Welcome!',
      questions: [{ text: 'Your shoe size?', attribute: 'shoe_size' }],
      closing: 'Thank you.',
      next_keyword: null,
    },
    null,
  ],
  [
    'kwd_4',
    'HOURS',
    {
      kind: 'reply',
      text: 'We are open from 9 to 5.',
      questions: [],
      closing: null,
      next_keyword: null,
    },
    null,
  ],
].map(([id, word, action, valid_until]) => ({
  id,
  sender_id: 'snd_1',
  word,
  action,
  valid_from: null,
  valid_until,
  created_at: ago(8_000_000_000),
}));

export const consentSettings = {
  brand: 'Acme',
  stop_reply: '{brand}: you are unsubscribed and will get no further messages.',
  start_reply: '{brand}: you are subscribed again.',
  help_reply: '{brand}: reply STOP to end messages.',
  rules: {
    opt_out_scope: 'all',
    extra_words: [{ language: 'sv', keyword: 'stop', word: 'sluta' }],
    replies: { es: { stop: '{brand}: te has dado de baja.', start: '', help: '' } },
    silent: [],
    keyword_quota: 100,
  },
};

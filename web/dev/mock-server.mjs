// Serves web/dist and a fake API on 127.0.0.1, so that screens can be looked at without the server.
// It checks nothing and keeps everything in memory: not a test double for behaviour.
import { createServer } from 'node:http';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as data from './dataset.mjs';
import * as consent from './dataset-consent.mjs';
import { policyRoutes } from './mock-policy.mjs';
import { restRoutes } from './mock-rest.mjs';
import { senderRoutes } from './mock-senders.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const PORT = Number(process.env.PORT ?? 4173);
const MIME = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
// The policy the product serves the console with.
export const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; " +
  "media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const threads = new Map(data.sessions.map((session) => [session.id, data.conversation(session)]));
const streams = new Set();
let seq = 100;
let signedIn = process.env.SIGNED_OUT !== '1';
const page = (items) => ({ data: items, next_cursor: null });
const clone = (value) => JSON.parse(JSON.stringify(value));

function emit(type, payload) {
  seq += 1;
  const body = {
    seq,
    type,
    at: new Date().toISOString(),
    entity: '',
    entity_id: '',
    data: payload,
  };
  for (const stream of streams)
    stream.write(`id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(body)}\n\n`);
}

function touch(session, change) {
  Object.assign(session, change, { version: session.version + 1 });
  return session;
}

function receive(session, text) {
  const created = data.message(session.id, { text });
  threads.get(session.id).push(created);
  touch(session, {
    last_message: { text, at: created.at, direction: 'inbound' },
    unread_count: session.unread_count + 1,
    window_expires_at: data.ahead(86_400_000),
  });
  emit('message.created', { message: created, session });
}

function send(session, body) {
  const text =
    body.text ??
    body.caption ??
    data.templates.find((each) => each.id === body.template_id)?.body ??
    '';
  const sent = data.message(session.id, {
    direction: 'outbound',
    author: { kind: 'agent', name: data.me.name },
    kind: body.kind,
    state: body.kind === 'note' ? null : 'sent',
    client_id: body.client_id,
    text: text.replace(/\{\{(\d+)\}\}/g, (_, n) => body.parameters?.[n - 1] ?? ''),
    media: body.media_id
      ? {
          id: body.media_id,
          mime: 'image/png',
          file_name: 'picture.png',
          url: `/api/v1/media/${body.media_id}`,
          size: 48_213,
          presence: 'stored',
        }
      : null,
  });
  threads.get(session.id).push(sent);
  touch(session, { last_message: { text: sent.text, at: sent.at, direction: 'outbound' } });
  emit('message.created', { message: sent, session });
  setTimeout(
    () =>
      emit('message.status', {
        session_id: session.id,
        message_id: sent.id,
        state: 'delivered',
        error: null,
      }),
    500,
  );
  setTimeout(
    () =>
      emit('message.status', {
        session_id: session.id,
        message_id: sent.id,
        state: 'read',
        error: null,
      }),
    1000,
  );
  if (body.kind === 'text') setTimeout(() => receive(session, 'Sounds good, thank you!'), 2000);
  return sent;
}

function offer() {
  const session = data.sessions.find((each) => each.state === 'waiting');
  if (session === undefined) return null;
  return {
    id: `off_${session.id}`,
    session_id: session.id,
    queue_id: 'que_1',
    session,
    offered_at: data.ago(4000),
    expires_at: data.ahead(60_000),
  };
}

const preview = (campaign) => ({
  audience: 1284,
  sendable: 1184,
  excluded: data.funnel.excluded_by_rule,
  held: [{ rule: 'quiet_hours', label: 'Quiet hours until 08:00', count: 212 }],
  segments: { min: 1, typical: 2, max: 2, encoding: 'gsm7' },
  sample: {
    text: `${campaign.body.replace(/\{\{ ?first_name ?\}\}/g, 'Maria')}\nhttps://go.northwind.example/l/q3kf8s2mzpa`,
    segments: 2,
    contact_name: 'Maria Lopez',
  },
});

const span = { min: 1, typical: 2, max: 2, total: 2368 };
const preflight = () => ({
  audience: 1284,
  sendable: 1184,
  excluded: [
    {
      rule: 'had_campaign',
      label: 'Was sent an excluded campaign',
      detail: null,
      count: 61,
      sample: [{ contact_id: 'con_1', name: 'Maria Lopez', phone: '+15550100001' }],
    },
    {
      rule: 'opted_out',
      label: 'Opted out',
      detail: null,
      count: 39,
      sample: [{ contact_id: 'con_2', name: 'Tom Becker', phone: '+15550100002' }],
    },
  ],
  held: [
    { rule: 'quiet_hours', label: 'Quiet hours until 08:00', detail: null, count: 212, sample: [] },
  ],
  languages: [],
  files: null,
  limit: null,
  segments: span,
  variants: [{ name: 'The text', messages: 1184, segments: span, sample: 'Hi Maria' }],
  texts: [{ variant: 'The text', locale: null, messages: 1184, segments: span, findings: [] }],
  cost: {
    currency: 'USD',
    total: 1871,
    min_thousandths: 790,
    typical_thousandths: 1580,
    max_thousandths: 1580,
    unpriced: ['MX'],
    accounts: [],
    markets: [],
    price_list: null,
  },
  seconds: 420,
  chats: { low: 6, high: 47, learned_from: 0, agents: 2, capacity: 8 },
  warnings: [
    { kind: 'no_price', message: 'There is no price for MX; the cost leaves them out.' },
    {
      kind: 'too_few_agents',
      message: 'Up to 47 chats may come, and 2 agents with room for 8 are available now.',
    },
  ],
  mark: '1-abc',
  at: new Date().toISOString(),
});
const variants = {
  variants: [
    { name: 'A', recipients: 533, sent: 520, delivered: 511, tapped: 88, chats: 31, won: 2 },
    { name: 'B', recipients: 532, sent: 521, delivered: 515, tapped: 120, chats: 52, won: 5 },
  ],
  held_out: 119,
  measure: 'chats',
  leader: 1,
  confidence: 984,
  is_sure: true,
  verdict: 'B wins by chats: 98 % sure that it is not chance.',
};

/** [method, pattern, handler(match, body, url)] */
const routes = [
  ...policyRoutes,
  ...senderRoutes,
  ...restRoutes,
  ['POST', /^\/login$/, () => ((signedIn = true), { user: data.me })],
  ['POST', /^\/logout$/, () => ((signedIn = false), null)],
  ['POST', /^\/setup$/, () => ((signedIn = true), null)],
  ['GET', /^\/me$/, () => ({ user: data.me, workspace: data.workspace })],
  [
    'GET',
    /^\/bootstrap$/,
    () => ({
      seq,
      user: data.me,
      workspace: data.workspace,
      presence: data.presence,
      queues: data.queues,
      agents: data.agents,
      sessions: data.sessions.filter((each) => each.state !== 'ended'),
      unread_mentions: 1,
      sight: 'a1',
      offers: process.env.NO_OFFER ? [] : [offer()].filter(Boolean),
    }),
  ],
  ['PUT', /^\/presence$/, (_, body) => Object.assign(data.presence, body)],
  [
    'POST',
    /^\/offers\/off_(.+)\/accept$/,
    ([, id]) => {
      const session = data.sessions.find((each) => each.id === id);
      touch(session, { state: 'active', agent: { id: data.me.id, name: data.me.name } });
      emit('session.updated', { session });
      return session;
    },
  ],
  ['POST', /^\/offers\/.+\/decline$/, () => null],
  [
    'GET',
    /^\/sessions$/,
    (_, __, url) =>
      page(
        data.sessions.filter((each) =>
          each.customer.name
            .toLowerCase()
            .includes((url.searchParams.get('search') ?? '').toLowerCase()),
        ),
      ),
  ],
  ['GET', /^\/sessions\/([^/]+)$/, ([, id]) => data.sessions.find((each) => each.id === id)],
  [
    'GET',
    /^\/sessions\/([^/]+)\/messages$/,
    ([, id], _, url) =>
      url.searchParams.get('before')
        ? page([])
        : { data: threads.get(id) ?? [], next_cursor: null },
  ],
  [
    'POST',
    /^\/sessions\/([^/]+)\/messages$/,
    ([, id], body) =>
      send(
        data.sessions.find((each) => each.id === id),
        body,
      ),
  ],
  [
    'POST',
    /^\/sessions\/([^/]+)\/read$/,
    ([, id]) => (
      touch(
        data.sessions.find((each) => each.id === id),
        { unread_count: 0 },
      ),
      null
    ),
  ],
  [
    'POST',
    /^\/sessions\/([^/]+)\/end$/,
    ([, id]) =>
      touch(
        data.sessions.find((each) => each.id === id),
        { state: 'ended', ended_at: new Date().toISOString() },
      ),
  ],
  [
    'POST',
    /^\/sessions\/([^/]+)\/take-over$/,
    ([, id]) =>
      touch(
        data.sessions.find((each) => each.id === id),
        { state: 'active', agent: { id: data.me.id, name: data.me.name } },
      ),
  ],
  [
    'POST',
    /^\/sessions\/([^/]+)\/transfer$/,
    ([, id]) => data.sessions.find((each) => each.id === id),
  ],
  [
    'GET',
    /^\/sessions\/([^/]+)\/panel$/,
    ([, id]) => {
      const session = data.sessions.find((each) => each.id === id);
      const contact = data.contacts.find((each) => each.id === session.customer.contact_id) ?? null;
      return {
        contact,
        lead: null,
        advertisement: null,
        block: null,
        customer_merges: [],
        language: { language: 'en', by: 'detected', certainty: 98, at: data.ago(3_600_000) },
        link_history: [],
        link_prompt: null,
        other_addresses: [],
        undoable_link: null,
        campaign: session.campaign,
        recipient: null,
        consent: {
          sms: contact?.sms_consent ?? 'none',
          whatsapp: contact?.whatsapp_consent ?? 'none',
          session_opt_in: 'granted',
        },
        previous_sessions: id === 'ses_1' ? [data.sessions[9], data.sessions[10]] : [],
        case: session.case_id
          ? {
              id: 'cas_1',
              number: 1042,
              subject: 'Tent and bag',
              state: 'open',
              session_id: id,
              contact_id: null,
              created_at: data.ago(3_600_000),
              closed_at: null,
            }
          : null,
        candidates: contact
          ? []
          : data.contacts
              .slice(4, 6)
              .map((each) => ({ contact: each, lead: null, reasons: ['name'] })),
      };
    },
  ],
  ['GET', /^\/attachments$/, () => ({ data: [], next_cursor: null })],
  ['GET', /^\/quick-replies$/, () => data.quickReplies],
  ['GET', /^\/templates$/, () => page(data.templates)],
  [
    'GET',
    /^\/sessions\/[^/]+\/templates$/,
    () =>
      page(
        data.templates.map((each) => ({
          name: each.name,
          language: each.language,
          languages: [{ ...each, values: {} }],
        })),
      ),
  ],
  [
    'GET',
    /^\/setup-status$/,
    () => ({
      channels: data.channels,
      senders: data.senders,
      queues: data.queues,
      users: data.users,
      flows: data.flows,
      checklist: data.checklist,
    }),
  ],
  [
    'POST',
    /^\/channels\/.+\/check$/,
    () => ({ ok: true, detail: 'The provider answered in 84 ms and knows the number.' }),
  ],
  ['POST', /^\/channels\/.+\/sync-templates$/, () => ({ count: 3 })],
  ['GET', /^\/flows\/flw_1$/, () => ({ ...data.flows[0], source: data.flowSource })],
  [
    'POST',
    /^\/flows\/validate$/,
    () => ({
      valid: false,
      problems: [
        {
          line: 7,
          column: 5,
          path: 'steps.ask_topic',
          message: 'The step “agnt” does not exist. Did you mean “agent”?',
        },
      ],
    }),
  ],
  [
    'GET',
    /^\/api-keys$/,
    () =>
      page([
        {
          id: 'key_1',
          name: 'Web shop',
          role: 'marketer',
          last_used_at: null,
          revoked_at: null,
          created_at: data.ago(9e8),
        },
      ]),
  ],
  [
    'GET',
    /^\/dead-letters$/,
    () =>
      page([
        {
          id: 'dl_1',
          source: 'inbox',
          source_id: 'inb_1',
          reason: 'The message refers to a channel that was removed.',
          resolution: null,
          resolution_reason: null,
          resolved_by: null,
          resolved_at: null,
          created_at: data.ago(7e6),
        },
      ]),
  ],
  [
    'GET',
    /^\/contacts$/,
    (_, __, url) =>
      page(
        data.contacts.filter((each) =>
          `${each.first_name} ${each.last_name} ${each.phone}`
            .toLowerCase()
            .includes((url.searchParams.get('search') ?? '').toLowerCase()),
        ),
      ),
  ],
  ['GET', /^\/contacts\/([^/]+)$/, ([, id]) => data.contacts.find((each) => each.id === id)],
  ['GET', /^\/contacts\/.+\/consent-events$/, () => page(consent.ledger)],
  ['GET', /^\/contacts\/.+\/consent$/, () => consent.contactConsent],
  ['GET', /^\/contacts\/.+\/texts$/, () => page(consent.texts)],
  [
    'GET',
    /^\/consent-reviews$/,
    (_match, _body, url) =>
      page(consent.reviews.filter((each) => each.state === url.searchParams.get('state'))),
  ],
  [
    'POST',
    /^\/consent-reviews\/([^/]+)\/decide$/,
    ([, id]) =>
      Object.assign(
        consent.reviews.find((each) => each.id === id),
        { state: 'kept' },
      ),
  ],
  ['GET', /^\/programmes$/, () => page(consent.programmes)],
  ['GET', /^\/programmes\/.+\/subscriptions$/, () => page(consent.subscriptions)],
  ['GET', /^\/keywords$/, () => page(consent.keywords)],
  ['POST', /^\/keyword-checks$/, () => ({ plain: 'stop', conflict: '"STOP" means STOP.' })],
  ['GET', /^\/consent-settings$/, () => consent.consentSettings],
  [
    'POST',
    /^\/consent-readings$/,
    () => ({
      keyword: null,
      language: null,
      reading: {
        verdict: 'revoke',
        said: [{ language: 'en', words: 'stop texting' }],
        innocent: [{ language: 'en', words: 'bus stop' }],
      },
    }),
  ],
  ['GET', /^\/consent-ledger\/check$/, () => ({ entries: 4120, unchained: 0, broken_at: null })],
  [
    'GET',
    /^\/contacts\/.+\/addresses$/,
    () =>
      page([
        { kind: 'phone', address: '+442079460018', priority: 1, added_at: data.ago(9e6) },
        {
          kind: 'email',
          address: 'maria.lopez@work.example',
          priority: 2,
          added_at: data.ago(9e6),
        },
      ]),
  ],
  ['GET', /^\/contact-views$/, () => page([])],
  [
    'GET',
    /^\/attributes$/,
    () =>
      page([
        { name: 'birthday', label: 'Birthday', kind: 'date', choices: [], created_at: data.ago(0) },
        {
          name: 'tier',
          label: 'Tier',
          kind: 'choice',
          choices: ['Gold', 'Silver'],
          created_at: data.ago(0),
        },
      ]),
  ],
  [
    'GET',
    /^\/duplicates$/,
    () =>
      page([
        {
          first: data.contacts[0],
          second: data.contacts[1],
          reason: 'same_email',
          found_at: data.ago(1e6),
        },
        {
          first: data.contacts[2],
          second: data.contacts[3],
          reason: 'same_name',
          found_at: data.ago(1e6),
        },
      ]),
  ],
  [
    'GET',
    /^\/duplicates\/search$/,
    () => ({
      search: {
        state: 'done',
        scanned: 48210,
        found: 2,
        started_at: data.ago(2e6),
        ended_at: data.ago(1e6),
      },
    }),
  ],
  [
    'GET',
    /^\/contact-merges$/,
    () =>
      page([
        {
          id: 'mrg_1',
          kept_id: 'con_1',
          merged_id: 'con_99',
          kept_name: 'Maria Lopez',
          merged_name: 'Maria L.',
          actor: 'usr_1',
          merged_at: data.ago(9e6),
          unmerged_at: null,
        },
      ]),
  ],
  ['GET', /^\/lists$/, () => page(data.lists)],
  ['GET', /^\/segments$/, () => page(data.segments)],
  [
    'POST',
    /^\/segments\/check$/,
    (_, body) => ({
      condition: data.segments[0].condition,
      form: body.form ?? data.segments[0].form,
      count: 418,
      sample: data.members,
      problem: null,
    }),
  ],
  ['GET', /^\/segments\/[^/]+$/, () => data.segments[0]],
  ['GET', /^\/segments\/[^/]+\/count$/, () => ({ count: 418 })],
  ['GET', /^\/segments\/[^/]+\/members$/, () => page(data.members)],
  [
    'GET',
    /^\/campaign-settings$/,
    () => ({
      approval: 'not_needed',
      brake_ends: 'quality',
      currency: 'USD',
      prices: [],
      other_price: null,
      mms_price: 3000,
      price_zone: 'America/New_York',
      opt_out_line: {
        when: 'every',
        text: 'Reply STOP to opt out',
        texts: [{ locale: 'de', body: 'STOP beendet' }],
        unanswerable: 'Opt out: https://go.segue.example/stop',
        unanswerable_texts: [],
      },
    }),
  ],
  ['POST', /^\/campaigns\/[^/]+\/preflight$/, () => preflight()],
  ['GET', /^\/campaigns\/[^/]+\/variants$/, () => variants],
  [
    'POST',
    /^\/import-files$/,
    () => ({
      id: 'imf_1',
      name: 'subscribers.csv',
      row_count: 1284,
      remembered: null,
      created_at: data.ago(0),
      columns: [
        ['Mobile', ['+1 555 010 1000', '555-010-1001']],
        ['First Name', ['Maria', 'James']],
        ['Surname', ['Lopez', 'Carter']],
        ['E-Mail', ['maria@mail.example']],
        ['Loyalty Tier', ['gold', 'silver']],
        ['SMS Opt-In', ['yes', 'no']],
      ].map(([name, samples]) => ({ name, samples, suggestion: null })),
    }),
  ],
  [
    'POST',
    /^\/imports$/,
    (_, body) =>
      body?.mode === 'dry_run' ? { ...imported, id: 'imp_2', mode: 'dry_run' } : imported,
  ],
  ['GET', /^\/imports$/, () => page([imported])],
  [
    'GET',
    /^\/imports\/([^/]+)$/,
    ([, id]) => (id === 'imp_2' ? { ...imported, id, mode: 'dry_run' } : imported),
  ],
  [
    'GET',
    /^\/imports\/[^/]+\/undo$/,
    () => ({
      removed: 1180,
      kept: 21,
      restored: 60,
      changed_since: 4,
      unlisted: 81,
      withdrawn: 1184,
    }),
  ],
  ['GET', /^\/campaigns$/, () => page(data.campaigns)],
  [
    'POST',
    /^\/campaigns$/,
    (_, body) => {
      const created = {
        ...clone(data.campaigns[1]),
        ...body,
        id: `cmp_${20 + data.campaigns.length}`,
        number: 20,
        state: 'draft',
        version: 1,
      };
      data.campaigns.unshift(created);
      return created;
    },
  ],
  [
    'POST',
    /^\/campaigns\/preview-text$/,
    (_, body) => {
      const text = `${body.body.replace(/\{\{ ?first_name ?\}\}/g, 'Maria')}${body.footer === 'none' ? '' : '\nhttps://go.northwind.example/l/q3kf8s2mzpa'}`;
      const ucs2 = /[^\x20-\x7e\n]/.test(text);
      const size = ucs2 ? 67 : 153;
      const segments = Math.max(1, Math.ceil(text.length / size));
      return {
        text,
        encoding: ucs2 ? 'ucs2' : 'gsm7',
        units: text.length,
        segments,
        remaining: segments * size - text.length,
        fields: ['first_name'],
        unknown_fields: [],
        non_gsm: ucs2 ? ['’'] : [],
        locale: null,
        opt_out_line: null,
        smart: ucs2
          ? {
              body: body.body.replaceAll('’', "'"),
              replacements: [{ from: '’', to: "'", count: 1 }],
              segments_before: segments,
              segments_after: 1,
            }
          : null,
        findings: [
          {
            rule: 'opt_out_missing',
            severity: 'warning',
            message:
              'The text does not say how to stop. Promotional texts need an opt-out line, such as “Reply STOP to opt out”; without it carriers block the sender.',
            source: 'CTIA Messaging Principles and Best Practices',
            at: [],
            fix_label: 'Add “Reply STOP to opt out.”',
            fixed_body: `${body.body} Reply STOP to opt out.`,
          },
        ],
        texts: (body.texts ?? []).map((each) => ({
          locale: each.locale,
          text: each.body,
          encoding: 'gsm7',
          units: each.body.length,
          segments: 1,
          findings: [],
        })),
      };
    },
  ],
  [
    'GET',
    /^\/campaigns\/.+\/links$/,
    () => ({
      domain_id: null,
      shorten: 'every',
      expires_at: null,
      landing: 'none',
      legal_text: '',
      consent_wording: '',
      stopped_at: null,
      ends_at: null,
      link_base: 'https://go.segue.example',
      links: [
        {
          link: 0,
          target: null,
          expires_at: null,
          stopped_at: null,
          test_link: 'https://go.segue.example/l/c3acqe54744kcrxf',
          qr_link: 'https://go.segue.example/l/c3acqe54744kcrxq',
          scanned: 41,
          raw: 412,
          filtered: 301,
        },
        {
          link: 1,
          target: 'https://shop.segue.example/spring?from=sms',
          expires_at: null,
          stopped_at: new Date().toISOString(),
          test_link: 'https://go.segue.example/l/c3acqe54744kcrxg',
          qr_link: 'https://go.segue.example/l/c3acqe54744kcrxr',
          scanned: 0,
          raw: 51,
          filtered: 44,
        },
      ],
    }),
  ],
  [
    'GET',
    /^\/campaigns\/.+\/clicks$/,
    () => ({
      width: 3_600_000,
      over_time: [8, 60, 140, 90, 70, 40, 22, 12, 9, 12].map((raw, hour) => ({
        at: new Date(Date.UTC(2026, 10, 26, 8 + hour)).toISOString(),
        raw,
        filtered: Math.round(raw * 0.75),
        confirmed: Math.round(raw * 0.3),
      })),
      devices: [
        { device: 'android', count: 190 },
        { device: 'iphone', count: 131 },
        { device: 'desktop', count: 24 },
      ],
      verdicts: [
        { verdict: 'person', count: 345 },
        { verdict: 'preview', count: 71 },
        { verdict: 'robot', count: 40 },
        { verdict: 'early', count: 7 },
      ],
    }),
  ],
  [
    'GET',
    /^\/snippets$/,
    () =>
      page([
        {
          id: 'snp_1',
          name: 'legal-line',
          body: 'Reply STOP to end, HELP for help.',
          version: 3,
          changed_at: new Date().toISOString(),
        },
      ]),
  ],
  [
    'GET',
    /^\/snippets\/.+\/uses$/,
    () => ({
      campaigns: [{ campaign_id: 'cmp_1', name: 'Spring offer', state: 'running', version: 2 }],
      snippets: [],
    }),
  ],
  [
    'GET',
    /^\/suppressions$/,
    () =>
      page([
        {
          address: '+12125550101',
          reason: 'Asked by phone not to be texted',
          source: 'manual',
          actor: null,
          created_at: new Date().toISOString(),
        },
        {
          address: '+12125550102',
          reason: '3 messages could not be delivered. The number does not exist.',
          source: 'bounce',
          actor: null,
          created_at: new Date().toISOString(),
        },
      ]),
  ],
  [
    'GET',
    /^\/bounce-rules$/,
    () => ({ after: 3, within_days: 30, hard_codes: [], soft_codes: [] }),
  ],
  [
    'GET',
    /^\/link-domains$/,
    () =>
      page([
        {
          id: 'dom_1',
          host: 'go.segue.example',
          verified_at: new Date().toISOString(),
          is_default: true,
          check_token: 'a1',
          created_at: new Date().toISOString(),
        },
        {
          id: 'dom_2',
          host: 'links.segue.example',
          verified_at: null,
          is_default: false,
          check_token: 'a2',
          created_at: new Date().toISOString(),
        },
      ]),
  ],
  ['GET', /^\/campaigns\/([^/]+)$/, ([, id]) => data.campaigns.find((each) => each.id === id)],
  [
    'PATCH',
    /^\/campaigns\/([^/]+)$/,
    ([, id], body) => {
      const found = data.campaigns.find((each) => each.id === id);
      return Object.assign(found, body, { version: found.version + 1 });
    },
  ],
  [
    'POST',
    /^\/campaigns\/([^/]+)\/preview$/,
    ([, id]) => preview(data.campaigns.find((each) => each.id === id)),
  ],
  [
    'POST',
    /^\/campaigns\/([^/]+)\/(start|pause|resume|cancel)$/,
    ([, id, action]) =>
      Object.assign(
        data.campaigns.find((each) => each.id === id),
        {
          state: { start: 'running', pause: 'paused', resume: 'running', cancel: 'canceled' }[
            action
          ],
          started_at: new Date().toISOString(),
        },
      ),
  ],
  ['GET', /^\/campaigns\/.+\/funnel$/, () => data.funnel],
  [
    'GET',
    /^\/campaigns\/.+\/recipients$/,
    (_, __, url) =>
      page(
        data.recipients.filter(
          (each) => !url.searchParams.get('state') || each.state === url.searchParams.get('state'),
        ),
      ),
  ],
];
const imported = {
  id: 'imp_1',
  file_name: 'subscribers-spring.csv',
  mode: 'import',
  state: 'done',
  rows_total: 1294,
  rows_read: 1294,
  created: 1201,
  updated: 64,
  unchanged: 10,
  rejected: 19,
  rejections: { phone_invalid: 12, duplicate_in_file: 5, phone_lost_digits: 2 },
  opted_in: 1184,
  opted_out: 3,
  kept_out: 8,
  held_back: 2,
  without_evidence: 0,
  actor: 'usr_1',
  undo_until: data.ago(-2.5e9),
  undo: null,
  list_id: 'lst_1',
  table_id: null,
  created_at: data.ago(9e5),
  ended_at: data.ago(8e5),
  detail: null,
};

function stream(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.write(`event: hello\ndata: {"server_seq":${seq},"heartbeat_ms":15000}\n\n`);
  streams.add(response);
  const beat = setInterval(
    () => response.write(`event: heartbeat\ndata: {"seq":${seq}}\n\n`),
    15_000,
  );
  request.on('close', () => {
    clearInterval(beat);
    streams.delete(response);
  });
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return {};
  }
}

function json(response, status, body) {
  response.writeHead(status, {
    'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
  });
  response.end(body == null ? '' : JSON.stringify(body));
}

async function serveFile(path, response) {
  const asset = path.startsWith('/assets/');
  const file = asset ? join(DIST, normalize(path)) : join(DIST, 'index.html');
  try {
    const body = await readFile(file);
    response.writeHead(200, {
      'Content-Type': MIME[extname(file)] ?? 'application/octet-stream',
      'Content-Security-Policy': POLICY,
    });
    response.end(body);
  } catch {
    json(response, 404, { title: 'Not found', code: 'not_found' });
  }
}

/** What a request is answered with, as `{ body }`; null where the mock does not know the address. */
export function answerTo(method, url, body) {
  const path = url.pathname.slice('/api/v1'.length);
  for (const [wanted, pattern, handle] of routes) {
    const match = wanted === method ? pattern.exec(path) : null;
    if (match !== null) return { body: handle(match, body, url) };
  }
  return null;
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (!url.pathname.startsWith('/api/v1')) return serveFile(url.pathname, response);
  const path = url.pathname.slice('/api/v1'.length);
  if (path.startsWith('/media/') && request.method === 'GET') {
    response.writeHead(200, { 'Content-Type': 'image/png' });
    return response.end(PIXEL);
  }
  if (path === '/media')
    return json(response, 200, {
      id: 'med_9',
      mime: 'image/png',
      size: 68,
      file_name: 'picture.png',
      voice: false,
    });
  if (!signedIn && path !== '/login' && path !== '/setup')
    return json(response, 401, { title: 'Signed out', status: 401, code: 'unauthenticated' });
  if (path === '/events') return stream(request, response);
  const body = await readBody(request);
  const answer = answerTo(request.method, url, body);
  if (answer === null)
    return json(response, 404, { title: 'The mock does not know this', code: 'not_found' });
  return answer.body === undefined
    ? json(response, 404, { title: 'Not found', code: 'not_found' })
    : json(response, 200, answer.body);
});
// A test looks at the answers without a server.
if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  server.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));

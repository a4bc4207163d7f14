// A console whose line breaks a hundred times at points of chance, and whose server dies in between, shows at the end what
// the database has, without a reload. With the catching-up taken away the same run must be noticed.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { launch, openPage, signIn } from '../lib/browser.mjs';
import { chance } from '../lib/chance.mjs';
import { cuttingProxy } from '../lib/cutting-proxy.mjs';
import { startServer } from '../lib/product.mjs';

const BUSINESS = '15550783881';
const CUTS = Number(process.env.SEGUE_CUTS ?? 100);
const SEED = Number(process.env.SEGUE_SEED ?? 7);
const CUSTOMERS = Array.from({ length: 14 }, (_, n) => String(15550770100 + n));

const id = (name) => `[data-testid="${name}"]`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The demo with another agent, and a queue that Amy comes into and goes out of. */
const withBen = (text) =>
  text.replace(
    '\nqueues:\n',
    '  - { email: ben@acme.example, name: Ben Agent, role: agent, password: "${DEMO_PASSWORD}" }\n\nqueues:\n' +
      '  - slug: returns\n    name: Returns\n    offer_seconds: 45\n    members: [ben@acme.example]\n',
  );

/** The product's API as a person uses it. */
async function signedIn(server, email) {
  const origin = { origin: server.url, 'content-type': 'application/json', 'x-segue-csrf': '1' };
  const login = await fetch(`${server.url}/api/v1/login`, {
    method: 'POST',
    headers: { ...origin, 'idempotency-key': crypto.randomUUID() },
    body: JSON.stringify({ email, password: server.password }),
  });
  assert.ok(login.ok, `${email} signs in: ${login.status}`);
  const cookie = login.headers.getSetCookie().map((each) => each.split(';')[0]).join('; ');
  const call = async (method, path, body) => {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers: { ...origin, cookie, ...(method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${method} ${path}: ${text.slice(0, 300)}`);
    return text === '' ? null : JSON.parse(text);
  };
  const all = async (path) => {
    const rows = [];
    let cursor = null;
    do {
      const page = await call('GET', cursor === null ? path : `${path}&cursor=${encodeURIComponent(cursor)}`);
      rows.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor);
    return rows;
  };
  return { call, all };
}

describe('the event stream that is cut', { timeout: 600_000 }, () => {
  let server, sandbox, admin, browser, people;

  before(async () => {
    server = await startServer({ change: withBen });
    sandbox = sandboxApi(server);
    admin = productApi(server);
    browser = await launch();
    for (const [n, phone] of CUSTOMERS.entries()) {
      await sandbox.post('/handsets', { phone: `+${phone}`, name: `Customer ${n}` });
    }
    const [channel] = (await admin.get('/channels')).data.filter((each) => each.kind === 'whatsapp');
    await sandbox.post('/webhook', { url: `${server.url}/webhooks/whatsapp/${channel.id}` });
    people = { amy: await signedIn(server, 'amy@acme.example'), ben: await signedIn(server, 'ben@acme.example') };
    people.sam = await signedIn(server, 'sam@acme.example');
  });

  // Also when a test failed before its end: a line or a life that went on would keep the whole run from ending.
  const lines = [];
  let ended = false;
  after(async () => {
    ended = true;
    await browser?.close();
    for (const line of lines) await line.stop();
    await server?.stop();
  });

  /** A console behind a line of its own. */
  async function console(email, options) {
    const line = await cuttingProxy(server.url, options);
    lines.push(line);
    const window = await openPage(browser);
    const { page } = window;
    await signIn(page, { url: line.url, password: server.password }, email);
    await page.click(id('nav-inbox'));
    await page.waitForSelector(id('session-list'));
    await page.evaluate(() => (globalThis.notReloaded = true));
    return { line, page, context: window.context };
  }

  const show = async (page, tab, session) => {
    if (tab !== null) await page.click(id(`tab-${tab}`));
    // An offer may lie over the row.
    if (session !== undefined) await page.locator(`[data-session-id="${session}"]`).first().dispatchEvent('click');
  };

  /** What customers, colleagues, the bot, the channel and an admin do meanwhile; `done` says when to stop. */
  async function life(seed, done, { rights }) {
    const random = chance(seed);
    const counts = {};
    const [queues, users] = await Promise.all([admin.all('/queues'), admin.all('/users')]);
    const queue = (name) => queues.find((each) => each.name === name);
    const user = (name) => users.find((each) => each.name.startsWith(name)).id;
    const agents = ['amy', 'ben'];
    const own = async (who) => random.pick((await people[who].call('GET', '/sessions?view=mine')).data);
    const anyOpen = async () => random.pick((await admin.get('/sessions?view=open&limit=100')).data);
    let number = 0;
    const says = (text) => `${text} ${(number += 1)}`;
    const write = () => {
      // The word brings a customer past the bot to the agents.
      const text = random.below(3) === 0 ? 'agent' : says(random.pick(['Hello', 'Where is it?', 'Grüße 😀', 'a\nb']));
      return sandbox.post(`/handsets/${random.pick(CUSTOMERS)}/chats/${BUSINESS}/messages`, { type: 'text', text });
    };
    const reply = async (kind) => {
      const who = random.pick(agents);
      const session = await own(who);
      const body = { kind, text: says(kind), client_id: crypto.randomUUID() };
      if (session) await people[who].call('POST', `/sessions/${session.id}/messages`, body);
    };
    const acts = {
      write,
      'write again': write,
      'and again': write,
      'customers read': () => sandbox.post(`/handsets/${random.pick(CUSTOMERS)}/chats/${BUSINESS}/open`),
      reply: () => reply('text'),
      'reply again': () => reply('text'),
      note: () => reply('note'),
      'go offline or online': () => sandbox.patch(`/handsets/${random.pick(CUSTOMERS)}`, { online: random.below(3) > 0 }),
      give: async () => {
        const session = await anyOpen();
        const target = random.pick([
          { queue_id: queue('Sales').id },
          { queue_id: queue('Returns').id },
          { user_id: user('Amy') },
          { user_id: user('Amy') },
          { user_id: user('Ben') },
        ]);
        if (session) await people.sam.call('POST', `/sessions/${session.id}/transfer`, target);
      },
      'take over': async () => {
        const session = await anyOpen();
        if (session) await people.sam.call('POST', `/sessions/${session.id}/take-over`);
      },
      end: async () => {
        const session = await anyOpen();
        if (session && random.below(3) === 0) await people.sam.call('POST', `/sessions/${session.id}/end`, { close_case: false });
      },
      read: async () => {
        const session = await own('amy');
        if (session) await people.amy.call('POST', `/sessions/${session.id}/read`);
      },
    };
    if (rights) {
      acts['change the rights'] = () => {
        const members = random.below(2) === 0 ? [user('Ben')] : [user('Ben'), user('Amy')];
        return people.admin.call('PATCH', `/queues/${queue('Returns').id}`, { members });
      };
    }
    const names = Object.keys(acts);
    while (!done()) {
      const name = random.pick(names);
      try {
        await acts[name]();
        counts[name] = (counts[name] ?? 0) + 1;
      } catch (error) {
        // The server may be away, a session taken, an agent not there: that is what happens.
        const why = /"code":"(\w+)"/.exec(error.message)?.[1] ?? error.cause?.code ?? error.message.slice(0, 60);
        counts[`${name}: ${why}`] = (counts[`${name}: ${why}`] ?? 0) + 1;
      }
      await pause(20 + random.below(120));
    }
    return counts;
  }

  /** Everything that was on its way has arrived: nothing changes any more. */
  async function quiet() {
    for (const phone of CUSTOMERS) await sandbox.patch(`/handsets/${phone}`, { online: true });
    let before = '';
    await eventually('nothing moves any more', async () => {
      await sandbox.post('/webhook/flush');
      await pause(1_000);
      const rows = await admin.all('/sessions?view=all');
      const now = JSON.stringify(rows.map((each) => [each.id, each.version, each.last_message?.at]));
      const still = now === before && (await sandbox.get('/status')).webhook.queued === 0;
      before = now;
      return still;
    }, 60);
  }

  /** The rows of the list as they are on the screen. */
  const rows = (page) =>
    page.locator(id('session-row')).evaluateAll((elements) =>
      elements.map((element) => ({
        id: element.dataset.sessionId,
        name: element.querySelector('[class*="_name_"]').textContent,
        // What this browser alone knows is not the database's.
        preview: element.querySelector('[class*="_preview_"]').textContent.replace('Draft · ', ''),
        unread: Number(element.querySelector('[aria-label$=" unread"]')?.textContent ?? 0),
      })),
    );

  /** The rows as the API has them. */
  const expectedRows = (sessions) =>
    sessions.map((each) => {
      const { last_message: last, pending_count: pending } = each;
      const text = last === null ? 'No message yet' : `${last.direction === 'outbound' ? 'You: ' : ''}${last.text}`;
      return {
        id: each.id,
        name: each.customer.name,
        preview: `${pending > 0 ? `${pending} waiting · ` : ''}${text}`,
        unread: each.unread_count,
      };
    });

  const byId = (list) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));

  const bubbles = (page) =>
    page.locator(`${id('message-bubble')}[data-message-id]`).evaluateAll((elements) =>
      elements.map((element) => ({ id: element.dataset.messageId, state: element.dataset.state ?? null })),
    );

  /** Ids of replies that were refused and stay on the screen for their author to send again, with their words. */
  const refusedReplies = (page) =>
    page.locator(`${id('message-bubble')}[data-message-id^="local:"][data-state="failed"]`).evaluateAll((elements) =>
      elements.map((element) => ({
        id: element.dataset.messageId,
        words: element.textContent.match(/From the screen \d+/)?.[0] ?? null,
      })),
    );

  const expectedBubbles = (messages) =>
    messages
      .filter((each) => each.kind !== 'system' && (each.direction !== 'system' || each.kind === 'note'))
      .map((each) => ({ id: each.id, state: each.state }));

  /** What differs between the screen and the database; empty when nothing does. `tabs` says which views make a tab. */
  async function differences(page, who, tabs) {
    const found = [];
    for (const [tab, views] of Object.entries(tabs)) {
      await show(page, tab);
      await page.mouse.move(5, 5);
      await pause(300);
      const shown = byId(await rows(page));
      const pages = await Promise.all(views.map((view) => who.all(`/sessions?view=${view}&limit=100`)));
      const real = byId(expectedRows(pages.flat()));
      if (JSON.stringify(shown) !== JSON.stringify(real)) {
        const only = (a, b) => a.filter((each) => !b.some((other) => JSON.stringify(other) === JSON.stringify(each)));
        found.push({ tab, screen: only(shown, real), database: only(real, shown) });
      }
    }
    return found;
  }

  /** What differs in the conversations that have been on the screen before. */
  async function threadDifferences(page, who, opened) {
    const found = [];
    for (const session of opened) {
      await show(page, null, session);
      await page.waitForFunction((wanted) => location.pathname.includes(wanted), session);
      await pause(150);
      const shown = await bubbles(page);
      const { data, next_cursor: older } = await who.call('GET', `/sessions/${session}/messages?limit=50`);
      const real = expectedBubbles([...data].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : 1)));
      const missing = real.filter((each) => !shown.some((other) => other.id === each.id && other.state === each.state));
      // A refused reply is no message; one that the database holds all the same was shown as refused wrongly.
      const refused = (await refusedReplies(page)).filter(({ words }) => words !== null && !data.some((each) => each.text === words));
      const strange = shown.filter(
        (each) => !real.some((other) => other.id === each.id) && !refused.some((other) => other.id === each.id),
      );
      const order = shown.filter((each) => real.some((other) => other.id === each.id)).map((each) => each.id);
      const sameOrder = JSON.stringify(order) === JSON.stringify(real.map((each) => each.id));
      if (missing.length > 0 || (older === null && strange.length > 0) || (missing.length === 0 && !sameOrder)) {
        found.push({ session, missing, strange: older === null ? strange : [], sameOrder });
      }
    }
    return found;
  }

  /** Waits until screen and database agree; gives what still differs at the end. */
  async function settled(look, seconds) {
    const end = Date.now() + seconds * 1_000;
    let last;
    do {
      last = await look();
      if (last.length === 0) return last;
      await pause(500);
    } while (Date.now() < end);
    return last;
  }

  /** Amy and Sam at their screens until both lines have been cut so often. Gives what they had open. */
  async function work(amy, sam, cuts, { restarts }) {
    const random = chance(SEED + 1);
    const opened = { amy: new Set(), sam: new Set() };
    const windows = { amy, sam };
    const turns = restarts === 'none' ? [] : ['SIGKILL', 'SIGTERM', 'SIGKILL'];
    const planned = turns.length + 1;
    let typed = 0;
    // Conversations to be kept current through the cuts.
    for (const who of ['amy', 'sam']) {
      const { page } = windows[who];
      await show(page, 'open');
      await page.locator(id('session-row')).nth(3).waitFor({ timeout: 40_000 });
      for (const { id: session } of (await rows(page)).slice(0, 5)) {
        // Some have gone elsewhere by then.
        const row = page.locator(`[data-session-id="${session}"]`);
        if (await row.click({ timeout: 1_500 }).then(() => true, () => false)) opened[who].add(session);
        await page.locator(id('message-bubble')).first().waitFor({ timeout: 3_000 }).catch(() => undefined);
      }
      windows[who].line.begin(cuts);
    }
    let restart = Promise.resolve();
    while (amy.line.state.cuts < cuts || sam.line.state.cuts < cuts) {
      const seen = Math.min(amy.line.state.cuts, sam.line.state.cuts);
      if (turns.length > 0 && seen >= ((planned - turns.length) * cuts) / planned) {
        const signal = turns.shift();
        restart = server.restart(signal);
        await restart;
      }
      for (const who of ['amy', 'sam']) {
        const { page } = windows[who];
        const row = page.locator(id('session-row'));
        const count = await row.count();
        if (count > 0 && random.below(2) === 0) {
          const chosen = row.nth(random.below(count));
          const session = await chosen.getAttribute('data-session-id', { timeout: 500 }).catch(() => null);
          if (session !== null && (await chosen.click({ timeout: 1_000 }).then(() => true, () => false))) opened[who].add(session);
        }
      }
      // Amy also answers from the screen itself.
      const input = amy.page.locator(id('composer-input'));
      if (random.below(4) === 0 && (await input.isVisible().catch(() => false))) {
        typed += 1;
        await input.fill(`From the screen ${typed}`, { timeout: 500 }).catch(() => undefined);
        await input.press('Enter', { timeout: 500 }).catch(() => undefined);
      }
      await pause(250);
    }
    await restart;
    return { opened, typed };
  }

  it('ends with the screen and the database alike', { timeout: 400_000 }, async () => {
    people.admin = await signedIn(server, 'admin@acme.example');
    const amy = await console('amy@acme.example', { seed: SEED });
    const sam = await console('sam@acme.example', { seed: SEED + 100 });
    await people.amy.call('PUT', '/presence', { status: 'available' });
    await people.ben.call('PUT', '/presence', { status: 'available' });
    let over = false;
    const living = life(SEED, () => over || ended, { rights: true });
    const { opened, typed } = await work(amy, sam, CUTS, { restarts: 'some' });
    over = true;
    const counts = await living;
    for (const { line } of [amy, sam]) {
      line.hold();
      assert.ok(line.state.cuts >= CUTS, `${line.state.cuts} cuts`);
      assert.ok(line.state.withinFrame > CUTS / 10, `${line.state.withinFrame} of them within a frame`);
    }
    await quiet();
    globalThis.console.log(JSON.stringify({ counts, typed, amy: amy.line.state, sam: sam.line.state, opened: [opened.amy.size, opened.sam.size] }));
    const left = await settled(
      async () => [
        ...(await differences(amy.page, people.amy, { mine: ['mine'], waiting: ['waiting'], open: ['mine', 'waiting'] })),
        ...(await differences(sam.page, people.sam, { waiting: ['waiting'], open: ['open'] })),
      ],
      30,
    );
    assert.deepEqual(left, [], 'the lists');
    const views = await Promise.all(['mine', 'waiting'].map((view) => people.amy.all(`/sessions?view=${view}&limit=100`)));
    const open = new Set(views.flat().map((each) => each.id));
    const mine = [...opened.amy].filter((each) => open.has(each));
    await show(amy.page, 'open');
    assert.deepEqual(await settled(() => threadDifferences(amy.page, people.amy, mine), 20), [], "Amy's conversations");
    const all = new Set((await people.sam.all('/sessions?view=open&limit=100')).map((each) => each.id));
    const every = [...opened.sam].filter((each) => all.has(each));
    await show(sam.page, 'open');
    assert.deepEqual(await settled(() => threadDifferences(sam.page, people.sam, every), 20), [], "Sam's conversations");
    // Many of those that were open are at their end or somebody else's by now.
    assert.ok(mine.length + every.length >= 1, `conversations that were open during the cuts are compared: ${mine.length}, ${every.length}`);
    for (const { page, line, context } of [amy, sam]) {
      assert.equal(await page.evaluate(() => globalThis.notReloaded), true, 'nobody has reloaded');
      await context.close();
    }
  });

  it('would be noticed if nothing were caught up', { timeout: 180_000 }, async () => {
    const amy = await console('amy@acme.example', { seed: SEED, forgets: true });
    await people.amy.call('PUT', '/presence', { status: 'available' });
    let over = false;
    const living = life(SEED + 2, () => over || ended, { rights: false });
    await work(amy, amy, 30, { restarts: 'none' });
    over = true;
    await living;
    amy.line.hold();
    await quiet();
    const left = await settled(() => differences(amy.page, people.amy, { mine: ['mine'], waiting: ['waiting'] }), 8);
    assert.notDeepEqual(left, [], 'the comparison sees what is missing');
    await amy.context.close();
  });
});

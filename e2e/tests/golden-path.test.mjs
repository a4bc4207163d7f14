// The story of the product in a real browser, on both engines: a marketer's campaign, the customer's phone, the bot, the
// agent, the funnel. At the end the sandbox's ledger and the product's database must tell the same.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria, opted in
const NOT_OPTED_IN = '15550110004'; // Fatima
const BUSINESS = '15550783881';
// Headless Chromium says so in its user agent, and the click filter rightly takes it for a robot.
const PHONE_BROWSER =
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36';

const id = (name) => `[data-testid="${name}"]`;

for (const engine of ['sqlite', 'postgres']) {
  describe(`golden path on ${engine}`, { timeout: 300_000 }, () => {
    let demo, browser, product, sandbox, shot;
    let marketer, agent, phone;
    const measured = {};

    before(async () => {
      demo = await startDemo(engine);
      product = productApi(demo);
      sandbox = sandboxApi(demo);
      browser = await launch();
      shot = await album(`golden-path-${engine}`);
      marketer = await openPage(browser);
      agent = await openPage(browser);
      phone = await openPage(browser, { viewport: { width: 900, height: 900 }, userAgent: PHONE_BROWSER });
    });

    after(async () => {
      await browser?.close();
      await demo?.stop();
      console.log(`${engine}: ${JSON.stringify(measured)}`);
    });

    const signIn = ({ page }, email) => signInTo(page, demo, email);

    const noViolations = async ({ page }, what) => {
      const violations = await accessibilityViolations(page);
      assert.deepEqual(violations, [], `accessibility of ${what}`);
    };

    it('lets a marketer and an agent sign in', async () => {
      await marketer.page.goto(demo.url);
      await marketer.page.waitForSelector(id('login-email'));
      await shot(marketer.page, 'sign-in');
      await noViolations(marketer, 'the sign-in page');
      await marketer.page.fill(id('login-email'), 'mark@acme.example');
      await marketer.page.fill(id('login-password'), 'not the password');
      await marketer.page.click(id('login-submit'));
      await marketer.page.getByText('E-mail address or password is wrong').waitFor();
      await signIn(marketer, 'mark@acme.example');
      await marketer.page.waitForSelector(id('nav-campaigns'));
      await signIn(agent, 'amy@acme.example');
      await agent.page.click(id('nav-inbox'));
      await agent.page.waitForSelector(id('presence-select'));
    });

    it('sends a campaign to those who opted in, and to nobody else', async () => {
      const { page } = marketer;
      await page.click(id('nav-campaigns'));
      await shot(page, 'campaigns');
      await noViolations(marketer, 'the campaign list');
      await page.click(id('campaign-new'));
      await page.fill(id('campaign-name'), 'June offer');
      await choose(page, 'campaign-sender', '+15550100001');
      await choose(page, 'campaign-list', 'Demo customers');
      await page.fill(id('campaign-body'), 'Hi {{ first_name }}, June offer: 20% off tents. Chat with us:');
      await page.fill(id('campaign-prefilled'), 'Hi! I have a question about the June offer');
      await page.waitForSelector(id('segment-counter'));
      await shot(page, 'composer');
      await noViolations(marketer, 'the composer');
      await page.click(id('campaign-save'));
      await page.waitForSelector(id('campaign-start'));
      await shot(page, 'campaign-draft');
      await page.click(id('campaign-start'));
      await confirmIfAsked(page);
      await eventually('the funnel shows six deliveries', async () => (await funnel(page, 'delivered')) === 6);
      assert.equal(await funnel(page, 'planned'), 7, 'everybody on the list, the one without an opt-in too');
      assert.equal(await funnel(page, 'sent'), 6);
      await shot(page, 'campaign-running');
      await noViolations(marketer, 'the campaign page');
      const { entries } = await sandbox.get('/ledger');
      const texts = entries.filter((entry) => entry.kind === 'sms_accepted');
      assert.ok(texts.every((entry) => digits(entry.to) !== NOT_OPTED_IN), 'no SMS to the one without an opt-in');
    });

    it('leads the customer from the text to the chat', async () => {
      const { page } = phone;
      await page.goto(`${demo.phone_url}?handset=${CUSTOMER}`);
      await page.click(id(`handset-${CUSTOMER}`));
      await shot(page, 'phone-home');
      await noViolations(phone, 'the phone');
      await page.click(id('app-sms'));
      await page.waitForSelector(id('sms-message'));
      await shot(page, 'phone-sms');
      await page.click(id('sms-link'));
      await page.waitForSelector(id('continue-to-chat'));
      await shot(page, 'interstitial');
      await noViolations(phone, 'the interstitial');
      await page.click(id('continue-to-chat'));
      await page.waitForSelector(id('chat-composer'));
      const prefilled = await page.inputValue(id('chat-composer'));
      assert.match(prefilled, /^Hi! I have a question about the June offer \(ref [0-9A-Z-]{19}\)$/);
      await shot(page, 'chat-prefilled');
      await page.click(id('chat-send'));
    });

    it('greets by a bot that asks for name, topic and order number', async () => {
      const { page } = phone;
      const says = (text) => page.locator(id('chat-message'), { hasText: text }).last().waitFor({ timeout: 15_000 });
      const reply = async (text) => {
        await page.fill(id('chat-composer'), text);
        await page.click(id('chat-send'));
      };
      await says('By going on you agree');
      await says('call you');
      await shot(page, 'bot-asks-name');
      await reply('Maria');
      await page.locator(id('chat-button'), { hasText: 'Order' }).last().waitFor();
      await shot(page, 'bot-asks-topic');
      await page.locator(id('chat-button'), { hasText: 'Order' }).last().click();
      await says('order number');
      await reply('no idea');
      await eventually('the bot asks again', async () => (await page.locator(id('chat-message')).count()) >= 9);
      await shot(page, 'bot-asks-again');
      await reply('ab-123456');
    });

    it('offers the conversation to the agent, who accepts and answers', async () => {
      const { page } = agent;
      await choose(page, 'presence-select', 'Available');
      await page.waitForSelector(id('offer-card'));
      await shot(page, 'offer');
      await noViolations(agent, 'the inbox with an offer');
      await page.click(id('offer-accept'));
      await page.waitForSelector(id('composer-input'));
      await page.locator(id('message-bubble'), { hasText: 'ab-123456' }).first().waitFor();
      const opening = await page.locator(`${id('message-bubble')}[data-direction="inbound"]`).first().innerText();
      assert.doesNotMatch(opening, /\(ref /, 'the reference code is not shown to the agent');
      await page.locator(id('panel-campaign'), { hasText: 'June offer' }).waitFor();
      await page.locator(id('panel-contact'), { hasText: 'Maria' }).waitFor();
      await page.waitForSelector(id('panel-consent'));
      assert.match(await page.locator(id('window-countdown')).first().innerText(), /23|24/);
      await page.fill(id('composer-input'), 'Hello Maria, I am looking into your order.');
      await page.click(id('composer-send'));
      await phone.page.locator(id('chat-message'), { hasText: 'I am looking into your order' }).waitFor();
      await page.locator(`${id('message-bubble')}[data-state="read"]`, { hasText: 'looking into' }).waitFor();
      await shot(page, 'conversation');
      await shot(phone.page, 'phone-conversation');
      await noViolations(agent, 'the conversation');
      await noViolations(phone, 'the chat');
    });

    it('shows a customer message to the agent within 500 ms of the webhook', async () => {
      const { page } = agent;
      const delays = [];
      for (let number = 1; number <= 20; number += 1) {
        const text = `Question number ${number} of twenty`;
        const seen = page.evaluate(
          (wanted) =>
            new Promise((resolve) => {
              const look = () => {
                const bubbles = [...document.querySelectorAll('[data-testid="message-bubble"]')];
                if (!bubbles.some((bubble) => bubble.textContent.includes(wanted))) return false;
                resolve(Date.now());
                return true;
              };
              if (look()) return;
              const observer = new MutationObserver(() => look() && observer.disconnect());
              observer.observe(document.body, { childList: true, subtree: true, characterData: true });
            }),
          text,
        );
        const before = Date.now();
        await sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text });
        delays.push((await seen) - before);
      }
      delays.sort((a, b) => a - b);
      measured.arrival_median_ms = delays[10];
      measured.arrival_worst_ms = delays.at(-1);
      assert.ok(delays.at(-1) <= 500, `worst arrival ${delays.at(-1)} ms, median ${delays[10]} ms`);
    });

    it('creates a lead with the phone number and closes case and session in one act', async () => {
      const { page } = agent;
      await page.click(id('create-lead'));
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      assert.equal(digits(await dialog.getByLabel(/phone/i).inputValue()), CUSTOMER);
      await shot(page, 'lead');
      await dialog.getByRole('button', { name: /create/i }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Create case' }).click();
      await dialog.waitFor();
      await dialog.getByLabel(/subject/i).fill('Where is order AB-123456?');
      await dialog.getByRole('button', { name: /create/i }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.click(id('end-session'));
      await page.getByRole('dialog').waitFor();
      await page.getByRole('dialog').getByText('Won', { exact: false }).first().click();
      await shot(page, 'end-session');
      await page.click(id('end-confirm'));
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const sessions = await eventually('the session is ended', async () => {
        const rows = await product.all('/sessions?view=ended');
        return rows.length === 1 && rows;
      });
      assert.equal(sessions[0].ended_by, 'agent');
      const [closed] = await product.all('/cases');
      assert.equal(closed.state, 'closed', 'the case is closed by the same act');
      await shot(page, 'after-end');
    });

    it('shows every step in the funnel', async () => {
      const { page } = marketer;
      const expected = { tapped: 1, chats: 1, bot_finished: 1, agent: 1, cases: 1, leads: 1, won: 1 };
      for (const [step, count] of Object.entries(expected)) {
        await eventually(`funnel ${step} = ${count}`, async () => (await funnel(page, step)) === count);
      }
      await shot(page, 'funnel');
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      await page.waitForSelector('html[data-mantine-color-scheme="dark"]');
      await shot(page, 'funnel-dark');
      await noViolations(marketer, 'the campaign page in the dark');
    });

    it('stops at STOP', async () => {
      const { page } = phone;
      await sandbox.post('/handsets/15550110002/sms', { to: '+15550100001', text: 'Stop.' });
      const contact = await eventually('the opt-out is on record', async () => {
        const [found] = await product.all('/contacts?search=15550110002');
        return found?.sms_consent === 'revoked' && found;
      });
      assert.equal(contact.sms_consent, 'revoked');
      await page.goto(`${demo.phone_url}?handset=15550110002`);
      const { messages } = await sandbox.get('/handsets/15550110002/sms');
      await eventually('one confirmation', async () => {
        const now = (await sandbox.get('/handsets/15550110002/sms')).messages;
        return now.filter((message) => /unsubscribed/.test(message.text)).length === 1;
      });
      assert.ok(messages.length >= 2);
    });

    it('has pages for setup, contacts and leads that anyone can use', async () => {
      const admin = await openPage(browser);
      await signIn(admin, 'admin@acme.example');
      for (const page of ['nav-contacts', 'nav-setup']) {
        await admin.page.click(id(page));
        await admin.page.getByRole('heading', { level: 1 }).first().waitFor();
        await eventually('nothing is loading', async () => (await admin.page.locator('[aria-busy="true"]').count()) === 0);
        await shot(admin.page, page);
        await noViolations(admin, page);
      }
      assert.deepEqual(admin.complaints, []);
    });

    it('agrees with the ledger of the carriers: the same messages, none lost, none twice', async () => {
      const entries = await sandbox.ledger();
      const sent = entries.filter((entry) => entry.kind === 'sms_accepted');
      const campaigns = await product.all('/campaigns');
      const recipients = await product.all(`/campaigns/${campaigns[0].id}/recipients`);
      const delivered = recipients.filter((recipient) => recipient.state === 'delivered');
      assert.equal(delivered.length, 6);
      const toCampaign = sent.filter((entry) => entry.text.includes('June offer')).map((entry) => digits(entry.to));
      // Each of them as often as it was taken, so that a text that went out twice is seen.
      assert.equal(toCampaign.length, 6);
      assert.deepEqual(toCampaign.sort(), delivered.map((row) => digits(row.phone)).sort());

      const [session] = await product.all('/sessions?view=ended');
      const messages = await product.all(`/sessions/${session.id}/messages`);
      const texts = (direction) =>
        messages.filter((message) => message.direction === direction && message.kind !== 'note').map((m) => m.text);
      const said = entries.filter((entry) => entry.kind === 'wa_accepted').map((entry) => entry.text);
      const heard = entries.filter((entry) => entry.kind === 'wa_inbound');
      assert.ok(heard.every((entry) => entry.acked));
      assert.deepEqual(texts('outbound').sort(), said.sort());
      assert.equal(texts('inbound').length, heard.length);
    });

    it('leaves no error in any console', () => {
      for (const [who, { complaints }] of Object.entries({ marketer, agent, phone })) {
        const own = complaints.filter((complaint) => !complaint.includes('401'));
        assert.deepEqual(own, [], who);
      }
    });

    async function funnel(page, step) {
      const text = await page.locator(id(`funnel-${step}`)).first().innerText();
      return Number(text.replace(/[^0-9]/g, ''));
    }
  });
}

/** Chooses by visible text in a native select or in one of the console's own. */
async function choose(page, testId, text) {
  const field = page.locator(id(testId));
  await field.waitFor();
  if ((await field.evaluate((element) => element.tagName)) === 'SELECT') {
    const label = await field.locator('option', { hasText: text }).first().innerText();
    await field.selectOption({ label });
    return;
  }
  await field.click();
  await page.getByRole('option', { name: text }).or(page.getByRole('menuitem', { name: text })).or(page.getByRole('menuitemradio', { name: text })).first().click();
}

async function confirmIfAsked(page) {
  const dialog = page.getByRole('dialog');
  if (await dialog.waitFor({ timeout: 2_000 }).then(() => true).catch(() => false)) {
    await dialog.getByRole('button', { name: /start/i }).click();
  }
}

function digits(text) {
  return text.replace(/[^0-9]/g, '');
}

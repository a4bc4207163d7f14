// Who a customer is: known by a user name alone and attributed by the reference; an ambiguous one that the agent is asked
// about, links, unlinks and merges; found again by words; and one who is blocked.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const HIDDEN = '15550110003';
const BUSINESS = '15550783881';
// One line of Brazil in both of its writings, and another phone of the same person.
const SHORT = '551199990000';
const LONG = '5511999990000';
const WORK = '15550770009';

const id = (name) => `[data-testid="${name}"]`;

describe('who a customer is', { timeout: 240_000 }, () => {
  let demo, browser, product, sandbox, shot, admin, page;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('identity');
    admin = await openPage(browser);
    page = admin.page;
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const noViolations = async (what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };
  const write = (handset, text) =>
    sandbox.post(`/handsets/${handset}/chats/${BUSINESS}/messages`, { type: 'text', text });
  const sessionOf = (test) =>
    eventually('a conversation', async () => (await product.get('/sessions?view=all')).data.find(test));
  const open = async (session) => {
    await page.goto(`${demo.url}/inbox/${session.id}`);
    await page.waitForSelector(id('panel-contact'));
  };

  it('lets an admin set the rules of linking', async () => {
    await signIn(page, demo, 'admin@acme.example');
    await page.goto(`${demo.url}/setup/linking`);
    await page.waitForSelector(id('linking-rule'));
    const phone = page.locator(id('linking-rule')).nth(2);
    await phone.locator(id('linking-one')).selectOption('ask');
    await shot(page, 'rules');
    await noViolations('the rules of linking');
    await page.click(id('linking-save'));
    await eventually('the rule is saved', async () => {
      const { workspace } = await product.get('/linking-rules');
      return workspace.rules[2].by === 'phone' && workspace.rules[2].one === 'ask';
    });
  });

  it('attributes a customer without a phone number by the reference', async () => {
    const contact = (await product.all('/contacts')).find((each) => each.phone === `+${HIDDEN}`);
    assert.ok(contact, 'the demo has this contact');
    const lists = (await product.get('/lists')).data;
    const senders = (await product.get('/senders')).data;
    const channels = (await product.get('/channels')).data;
    const campaign = await product.post('/campaigns', {
      name: 'June',
      sender_id: senders.find((each) => each.address === '+15550100001').id,
      audience: { list_id: lists.find((each) => each.name === 'Demo customers').id },
      body: 'Hi, chat with us:',
      whatsapp_channel_id: channels.find((each) => each.kind === 'whatsapp').id,
      prefilled_text: 'I have a question',
      footer: 'tracked',
    });
    await product.post(`/campaigns/${campaign.id}/start`);
    const text = await eventually('the text arrives', async () => {
      const { messages } = await sandbox.get(`/handsets/${HIDDEN}/sms`);
      return messages.find((message) => message.text.includes('chat with us'));
    });
    const [link] = /https?:\/\/\S+/.exec(text.text);
    const answer = await fetch(link, {
      redirect: 'manual',
      headers: { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile Safari/604.1' },
    });
    const place = answer.headers.get('location') ?? (await answer.text());
    const [reference] = /\(ref [0-9A-Z-]{19}\)/.exec(decodeURIComponent(place).replaceAll('+', ' '));
    await sandbox.patch(`/handsets/${HIDDEN}`, { shares_phone: false, username: 'dana.hikes' });
    await write(HIDDEN, `I have a question ${reference}`);
    const session = await sessionOf((each) => each.customer.username === 'dana.hikes');
    assert.equal(session.customer.phone, null, 'nobody told the number');
    assert.equal(session.customer.contact_id, contact.id);
    assert.equal(session.attribution, 'claimed');
    await open(session);
    await page.locator(id('link-entry'), { hasText: 'the reference in the message' }).waitFor();
    await shot(page, 'hidden-number');
    await noViolations('a customer without a phone number');
  });

  it('asks who an ambiguous customer is, links the choice, and takes it back', async () => {
    await product.post('/contacts', { phone: `+${LONG}`, first_name: 'Beatriz' });
    await product.post('/contacts', { phone: `+${SHORT}`, first_name: 'Bia' });
    await sandbox.post('/handsets', { phone: `+${SHORT}`, name: 'Bia Souza' });
    await write(SHORT, 'Where is my turquoise tent?');
    const session = await sessionOf((each) => each.customer.phone === `+${SHORT}`);
    assert.equal(session.customer.contact_id, null);
    await open(session);
    await page.waitForSelector(id('link-prompt'));
    const candidates = page.locator(id('link-candidate'));
    assert.equal(await candidates.count(), 2);
    await candidates.filter({ hasText: 'the phone number in another writing' }).waitFor();
    await shot(page, 'prompt');
    await noViolations('the question who it is');
    await candidates.filter({ hasText: 'Beatriz' }).click();
    await page.waitForSelector(id('undo-link'));
    await page.locator(id('panel-contact'), { hasText: 'Beatriz' }).waitFor();
    await shot(page, 'linked');
    await page.click(id('undo-link'));
    await page.locator(id('panel-contact'), { hasText: 'Not linked' }).waitFor();
    await page.locator(id('link-entry'), { hasText: 'Taken back' }).waitFor();
    await shot(page, 'undone');
    await page.locator(id('link-candidate'), { hasText: 'Bia' }).first().click();
    await page.waitForSelector(id('unlink-contact'));
  });

  it('merges two addresses of one person and parts them again', async () => {
    const session = await sessionOf((each) => each.customer.phone === `+${SHORT}`);
    await sandbox.post('/handsets', { phone: `+${WORK}`, name: 'Bia at work' });
    await write(WORK, 'It is me, from my other phone');
    const other = await sessionOf((each) => each.customer.phone === `+${WORK}`);
    const { customer } = await product.get(`/sessions/${session.id}`);
    await product.post(`/sessions/${other.id}/link`, { contact_id: customer.contact_id });
    await open(session);
    await page.click(id('merge-customer'));
    await page.waitForSelector(id('merge-dialog'));
    await shot(page, 'merge-dialog');
    await page.click(id('merge-dialog'));
    await page.waitForSelector(id('part-customers'));
    await shot(page, 'merged');
    await noViolations('a merged customer');
    const merged = await product.get(`/sessions/${other.id}`);
    assert.equal(merged.customer.messaging_user_id, session.customer.messaging_user_id);
    await page.click(id('part-customers'));
    await page.waitForSelector(id('merge-customer'));
    const parted = await product.get(`/sessions/${other.id}`);
    assert.equal(parted.customer.messaging_user_id, other.customer.messaging_user_id);
  });

  it('finds a message by a word, opens it, and shows its way', async () => {
    await page.click(id('nav-search'));
    await page.waitForSelector(id('search-words'));
    await shot(page, 'search-empty');
    await page.fill(id('search-words'), 'TURQUOIS');
    const hit = page.locator(id('search-hit'), { hasText: 'turquoise tent' });
    await hit.waitFor();
    assert.equal(await hit.locator('mark').innerText(), 'turquoise');
    await shot(page, 'search');
    await noViolations('the search');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'search-dark');
    await noViolations('the search in the dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await hit.click();
    const found = page.locator('[data-mark="found"]');
    await found.waitFor();
    await found.locator(id('message-flight')).click();
    await page.locator(id('flight-hop'), { hasText: 'Webhook received and stored' }).waitFor();
    await page.locator(id('flight-hop'), { hasText: 'Worked on' }).waitFor();
    await shot(page, 'flight');
    await noViolations('the hops of a message');
    await page.keyboard.press('Escape');
    await page.goto(`${demo.url}/search?q=nobodywrotethis`);
    await page.getByText('Nothing found').waitFor();
  });

  it('goes back through earlier conversations', async () => {
    const session = await sessionOf((each) => each.customer.phone === `+${SHORT}`);
    await product.post(`/sessions/${session.id}/end`, { close_case: false });
    await write(SHORT, 'One more thing');
    const next = await sessionOf((each) => each.customer.phone === `+${SHORT}` && each.state !== 'ended');
    await open(next);
    await page.click(id('earlier-sessions'));
    await page.waitForSelector(id('earlier-session'));
    await page.locator(id('message-bubble'), { hasText: 'turquoise tent' }).waitFor();
    await shot(page, 'earlier');
    await noViolations('a conversation with an earlier one');
  });

  it('blocks a customer, at WhatsApp too, and unblocks', async () => {
    const session = await sessionOf((each) => each.customer.phone === `+${SHORT}` && each.state !== 'ended');
    await open(session);
    await page.click(id('block-customer'));
    await page.fill(id('block-reason'), 'Threats');
    await shot(page, 'block-dialog');
    await noViolations('the question before a block');
    await page.click(id('block-confirm'));
    await page.waitForSelector(id('panel-block'));
    await eventually('WhatsApp knows', async () => (await sandbox.get(`/handsets/${SHORT}`)).blocked_by_business);
    await eventually('the block is settled', async () => {
      const { data } = await product.get('/customer-blocks');
      return data[0]?.state === 'blocked';
    });
    await page.reload();
    await page.locator(id('panel-block'), { hasText: 'Blocked here and at WhatsApp' }).waitFor();
    await shot(page, 'blocked');
    await page.click(id('unblock-customer'));
    await eventually('WhatsApp has unblocked', async () => !(await sandbox.get(`/handsets/${SHORT}`)).blocked_by_business);
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(admin.complaints, []);
  });
});

// The phone of a customer in a browser: answers what the business asks for, reacts, quotes, changes, deletes, forwards and shares,
// by mouse and by keyboard; its switches; and the faults and limits of sends on the page of controls. With what the product makes
// of it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { album, inBoth, launch, openPage } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001';
const OTHER = '15550110002';
const BUSINESS = '15550783881';
const NUMBER_ID = '106540352242922';

const id = (name) => `[data-testid="${name}"]`;

describe('the phone of a customer', { timeout: 240_000 }, () => {
  let demo, browser, product, sandbox, shot, window, page, session;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('phone');
    window = await openPage(browser);
    page = window.page;
    await page.goto(`${demo.phone_url}?handset=${CUSTOMER}&app=chat`);
    await page.fill(id('chat-composer'), 'Hello, do you have turquoise tents on Tusday?');
    await page.press(id('chat-composer'), 'Enter');
    session = await eventually('a conversation', async () =>
      (await product.get('/sessions?view=all')).data.find((each) => each.customer.phone === `+${CUSTOMER}`),
    );
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  /** The business sends, past the product. */
  const says = async (message) => {
    const answer = await fetch(`${demo.sandbox_url}/v26.0/${NUMBER_ID}/messages`, {
      method: 'POST',
      headers: { authorization: 'Bearer sandbox-token', 'content-type': 'application/json' },
      body: JSON.stringify({ messaging_product: 'whatsapp', to: CUSTOMER, ...message }),
    });
    const body = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(body));
    return body.messages[0].id;
  };
  const asks = (type, text, action) =>
    says({ type: 'interactive', interactive: { type, body: { text }, action: { name: action } } });
  const messages = async () => (await product.get(`/sessions/${session.id}/messages`)).data;
  const taken = (what, test) => eventually(what, async () => (await messages()).find((one) => one.direction === 'inbound' && test(one)), 20);
  const bubble = (text) => page.locator(id('chat-message'), { hasText: text }).first();
  const more = async (text) => {
    await bubble(text).hover();
    await bubble(text).locator(id('chat-more')).click();
    await page.getByRole('dialog', { name: 'This message' }).waitFor();
  };
  const inChat = async (type) =>
    (await sandbox.get(`/handsets/${CUSTOMER}/chats`)).chats[0].messages.filter((one) => one.type === type && one.direction === 'out');

  it('shares the number that the business asks for, once', async () => {
    await asks('request_contact_info', 'May we have your number for the courier?', 'request_contact_info');
    await page.click(id('chat-share-number'));
    await page.getByText(`will see +${CUSTOMER}`).waitFor();
    await inBoth(page, shot, 'share-number');
    await page.click(id('share-number'));
    await taken('the card', (one) => one.kind === 'contacts');
    await page.locator(`${id('chat-share-number')}[disabled]`).waitFor();
  });

  it('sends a place that is asked for, by keyboard alone', async () => {
    await asks('location_request_message', 'Where shall we meet?', 'send_location');
    const request = page.locator(id('chat-share-place'));
    await request.waitFor();
    await request.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Send a place' }).waitFor();
    await inBoth(page, shot, 'send-place');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await request.evaluate((node) => node === document.activeElement), true, 'the focus is back');
    await page.keyboard.press('Enter');
    await page.locator(`${id('place-known')}:focus`).waitFor();
    await page.keyboard.press('Enter');
    await taken('the place', (one) => one.kind === 'location');
    const [place] = await inChat('location');
    assert.ok(place.context_id, 'it answers the request');
    // Any other place, without being asked.
    await page.click(id('chat-share'));
    await page.click(id('share-place'));
    await page.click(id('place-other'));
    await page.fill(id('place-name'), 'The old mill');
    await page.fill(id('place-latitude'), '47.5');
    await page.fill(id('place-longitude'), '19.04');
    await inBoth(page, shot, 'other-place');
    await page.click(id('place-send'));
    await eventually('two places', async () => (await inChat('location')).length === 2);
  });

  it('reacts to a message, and takes it back', async () => {
    await says({ type: 'text', text: { body: 'We have one left.' } });
    await more('We have one left.');
    await inBoth(page, shot, 'message-menu');
    await page.getByRole('button', { name: 'Heart' }).click();
    await bubble('We have one left.').locator(id('chat-reactions')).waitFor();
    await taken('the reaction', (one) => one.kind === 'reaction');
    await more('We have one left.');
    assert.equal(await page.getByRole('button', { name: 'Heart' }).getAttribute('aria-pressed'), 'true');
    await page.click(id('chat-react-back'));
    await bubble('We have one left.').locator(id('chat-reactions')).waitFor({ state: 'detached' });
    const last = (await inChat('reaction')).at(-1);
    assert.equal(last.text, '', 'an empty reaction takes it back');
    // And the business, to a message of the customer.
    const [first] = await inChat('text');
    await says({ type: 'reaction', reaction: { message_id: first.id, emoji: '👍' } });
    await bubble('turquoise tents').locator(id('chat-reactions')).waitFor();
  });

  it('quotes, changes, forwards and deletes messages', async () => {
    await more('We have one left.');
    await page.click(id('chat-quote'));
    await page.locator(id('chat-target'), { hasText: 'We have one left.' }).waitFor();
    await inBoth(page, shot, 'quoting');
    await page.keyboard.type('Please keep it for me');
    await page.keyboard.press('Enter');
    await bubble('Please keep it for me').locator('.quote').waitFor();
    const answer = await taken('the answer', (one) => one.text === 'Please keep it for me');
    assert.ok(answer, 'the product has it');
    await page.locator(id('chat-target')).waitFor({ state: 'hidden' });

    await more('on Tusday?');
    await page.click(id('chat-edit'));
    await page.fill(id('chat-composer'), 'Hello, do you have turquoise tents on Tuesday?');
    await inBoth(page, shot, 'editing');
    await page.press(id('chat-composer'), 'Enter');
    await bubble('on Tuesday?').getByText('Edited').waitFor();
    await taken('the change', (one) => (one.text ?? '').includes('on Tuesday?'));

    await more('We have one left.');
    await page.click(id('chat-forward'));
    await page.locator(`${id('chat-message')}[data-direction=out]`, { hasText: 'Forwarded' }).waitFor();

    await more('Please keep it for me');
    await page.click(id('chat-delete'));
    await page.getByText('You deleted this message.').waitFor();
    await inBoth(page, shot, 'changed');
  });

  it('shares a contact without being asked', async () => {
    await page.click(id('chat-share'));
    await inBoth(page, shot, 'share');
    await page.click(id('share-other'));
    await page.fill(id('card-name'), 'Ben Okafor');
    await page.fill(id('card-phone'), '+44 7700 900123');
    await page.click(id('card-send'));
    await bubble('Ben Okafor').waitFor();
    await taken('the other card', (one) => one.kind === 'contacts' && JSON.stringify(one).includes('Ben Okafor'));
  });

  it('says why nothing can be written, and does what the switches say', async () => {
    const words = page.locator(id('chat-closed'));
    for (const [name, off, expected] of [
      ['on_whatsapp', false, 'not on WhatsApp'],
      ['online', false, 'offline'],
      ['blocked', true, 'blocked'],
    ]) {
      await page.setChecked(id(`switch-${name}`), off);
      await words.filter({ hasText: expected }).waitFor();
      await page.locator(id('chat-composer')).waitFor({ state: 'hidden' });
      assert.equal((await sandbox.get(`/handsets/${CUSTOMER}`))[name], off);
      if (name === 'on_whatsapp') await inBoth(page, shot, 'not-on-whatsapp');
      await page.setChecked(id(`switch-${name}`), !off);
      await words.waitFor({ state: 'hidden' });
    }
    await page.click('#name-box summary');
    await page.fill(id('username'), 'ann.hikes');
    await page.click(id('username-save'));
    await page.uncheck(id('switch-shares_phone'));
    await eventually('the user name', async () => (await sandbox.get(`/handsets/${CUSTOMER}`)).username === 'ann.hikes');
    await page.locator('#owner', { hasText: '@ann.hikes' }).waitFor();
    await inBoth(page, shot, 'user-name');
    await page.fill(id('username'), '');
    await page.click(id('username-save'));
    await eventually('no user name', async () => (await sandbox.get(`/handsets/${CUSTOMER}`)).username === null);
    await page.check(id('switch-shares_phone'));
  });

  it('is whole on a narrow screen', async () => {
    await page.setViewportSize({ width: 420, height: 900 });
    await page.locator(id('chat-composer')).scrollIntoViewIfNeeded();
    await inBoth(page, shot, 'narrow');
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it('refuses sends with a code as often as asked, and the product tries again', async () => {
    await page.goto(demo.controls_url);
    await page.fill(id('refusal-code'), '131000');
    await page.fill(id('refusal-times'), '2');
    await page.selectOption(id('refusal-to'), OTHER);
    await page.click(id('refusal-set'));
    await page.locator(id('refusal-now'), { hasText: `131000 as the answer, 2 times more, to +${OTHER}.` }).waitFor();
    await page.fill(id('fault-skip'), '1');
    await page.press(id('fault-skip'), 'Tab');
    await eventually('both are set', async () => {
      const faults = await sandbox.get('/faults');
      return faults.graph_error?.times === 2 && faults.graph_error.to === OTHER && faults.skip_delivered === 1;
    });
    await page.locator('#refusals-title').scrollIntoViewIfNeeded();
    await inBoth(page, shot, 'refusals');
    const refused = async () => (await sandbox.ledger()).filter((entry) => entry.kind === 'graph_refused' && entry.code === 131000).length;
    const accepted = async () => (await sandbox.ledger()).filter((entry) => entry.kind === 'wa_accepted').length;
    const before = await accepted();
    // The bot has something to say to that.
    await sandbox.post(`/handsets/${OTHER}/chats/${BUSINESS}/messages`, { type: 'text', text: 'Hello' });
    await eventually('it is refused twice', async () => (await refused()) === 2, 60);
    await eventually('and taken then', async () => (await accepted()) > before, 60);
    await page.locator(id('refusal-now'), { hasText: 'No code is set.' }).waitFor();
    await page.selectOption(id('refusal-when'), 'delivered');
    await page.fill(id('refusal-code'), '131026');
    await page.click(id('refusal-set'));
    await eventually('it fails afterwards', async () => (await sandbox.get('/faults')).fail_after?.after === 'delivered');
    await page.click(id('refusal-clear'));
    await eventually('cleared', async () => (await sandbox.get('/faults')).fail_after === null);
    for (const [field, name] of [['fault-hang', 'graph_hang'], ['fault-hang-after', 'graph_hang_after_accept'], ['fault-error-after', 'graph_error_after_accept']]) {
      await page.fill(id(field), '3');
      await page.press(id(field), 'Tab');
      await eventually(name, async () => (await sandbox.get('/faults'))[name] === 3);
      await page.fill(id(field), '0');
      await page.press(id(field), 'Tab');
      await eventually(name, async () => (await sandbox.get('/faults'))[name] === 0);
    }
  });

  it('switches the limits of the number on and off', async () => {
    assert.deepEqual(await sandbox.get('/limits'), { pair: null, throughput: null });
    await page.check(id('limit-pair'));
    await page.check(id('limit-throughput'));
    await page.fill(id('limit-burst'), '20');
    await page.press(id('limit-burst'), 'Tab');
    await eventually('they are on', async () => {
      const { pair, throughput } = await sandbox.get('/limits');
      return pair?.interval_ms === 6000 && pair.burst === 20 && throughput?.per_second === 80;
    });
    await inBoth(page, shot, 'limits');
    await page.uncheck(id('limit-pair'));
    await page.uncheck(id('limit-throughput'));
    await eventually('they are off', async () => (await sandbox.get('/limits')).pair === null);
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(window.complaints, []);
  });
});

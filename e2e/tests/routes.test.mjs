// A number on two accounts: set up in the console, it leaves by the cheaper account for each country, by the one that takes
// the characters of a text where the other does not, and the check before the start tells the cost by account. Each
// recipient shows which account it was and why.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const NUMBER = '+15550100001';
const ACCOUNTS = ['Sandbox carrier', 'Second carrier'];
/** No law has other hours where these are. */
const EMIRATES = ['+971505551001', '+971505551002'];
const BRITAIN = '+447700900123';
const ARABIC = 'عرض اليوم: خصم على الخيام';

const id = (name) => `[data-testid="${name}"]`;

describe('a number on two accounts', { timeout: 240_000 }, () => {
  let demo, browser, product, sandbox, shot, boss, page, senders, list;

  before(async () => {
    demo = await startDemo('sqlite');
    [product, sandbox] = [productApi(demo), sandboxApi(demo)];
    const { host, port } = (await product.get('/channels')).data.find((each) => each.kind === 'smpp').config;
    const second = await product.post('/channels', {
      kind: 'smpp',
      name: ACCOUNTS[1],
      config: { host, port, system_id: 'segue', password: 'sandbox', window: 10, segments_per_second: 100 },
    });
    await product.post('/senders', {
      channel_id: second.id,
      address: NUMBER,
      kind: 'long_code',
      registration: 'active',
    });
    senders = (await product.get('/senders')).data;
    list = await product.post('/lists', { name: 'Abroad' });
    for (const [place, phone] of [...EMIRATES, BRITAIN].entries()) {
      const contact = await product.post('/contacts', { phone, first_name: `Walker ${place}` });
      await product.post(`/contacts/${contact.id}/consent-events`, {
        channel: 'sms',
        purpose: 'marketing',
        action: 'grant',
        method: 'web_form',
        wording: 'Yes, text me offers.',
      });
      await product.post(`/lists/${list.id}/members`, { action: 'add', contact_ids: [contact.id] });
    }
    await eventually('both accounts are connected', async () => (await sandbox.get('/status')).smpp.binds > 1);
    browser = await launch();
    shot = await album('routes');
    boss = await openPage(browser);
    page = boss.page;
    await signIn(page, demo, 'admin@acme.example');
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const noViolations = async (what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };
  const senderOn = (account) => page.locator(id('route'), { hasText: account });

  /** A campaign from the number on the first account, and its page. */
  const campaign = async (name, body) => {
    const channels = (await product.get('/channels')).data;
    const first = channels.find((each) => each.name === ACCOUNTS[0]);
    const made = await product.post('/campaigns', {
      name,
      sender_id: senders.find((each) => each.channel_id === first.id).id,
      audience: { list_id: list.id },
      body,
      footer: 'none',
    });
    await page.goto(`${demo.url}/campaigns/${made.id}`);
    await page.click(id('campaign-start'));
    await page.waitForSelector(id('preflight'));
    return made;
  };

  /** By which account each recipient's text left, with the reason, as the page shows it. */
  const recipients = async () => {
    await page.click(id('confirm-start'));
    await eventually('all are shown', async () => (await page.locator(id('recipient-route')).count()) === 3, 60);
    return page.locator(id('recipient-route')).allInnerTexts();
  };

  it('gets prices for each account', async () => {
    await page.goto(`${demo.url}/setup/senders`);
    await page.waitForSelector(id('route'));
    for (const [account, prices] of [
      [ACCOUNTS[0], 'AE 40\nGB 30'],
      [ACCOUNTS[1], 'AE 25\nGB 60'],
    ]) {
      await page.locator(id('account-prices'), { hasText: account }).click();
      await page.locator('textarea[name="prices"]').fill(prices);
      await page.click(id('prices-save'));
      await page.locator(id('account-prices'), { hasText: account }).getByText('2 countries').waitFor();
    }
    await page.locator(id('route')).first().scrollIntoViewIfNeeded();
    await shot(page, 'before');
    await noViolations('the senders');
  });

  it('leaves by the cheaper account for each country', async () => {
    await senderOn(ACCOUNTS[0]).first().click();
    await page.waitForSelector(id('routes-by'));
    await page.locator(id('routes-by')).selectOption({ label: 'The cheapest for the country' });
    await shot(page, 'dialog');
    await noViolations('the dialog of routes');
    await page.click(id('routes-save'));
    await page.locator(id('route'), { hasText: 'The cheapest for the country' }).waitFor();
    await page.locator(id('route')).first().scrollIntoViewIfNeeded();
    await shot(page, 'routes');
    await campaign('By price', 'Tents are cheaper today.');
    const costs = await page.locator(`${id('preflight-accounts')} li`).allInnerTexts();
    assert.equal(costs.length, 2, costs.join('; '));
    assert.match(costs[0], /^Second carrier[^]*2 texts[^]*\$0\.05/);
    assert.match(costs[1], /^Sandbox carrier[^]*1 text[^]*\$0\.03/);
    await shot(page, 'check');
    await noViolations('the check');
    const routes = await recipients();
    const by = (account) => routes.filter((line) => line.includes(`By ${account}: the lowest price there`)).length;
    assert.deepEqual([by(ACCOUNTS[0]), by(ACCOUNTS[1])], [1, 2], routes.join('; '));
    await shot(page, 'recipients');
    await noViolations('the campaign');
  });

  it('leaves by the account that takes the characters of the text', async () => {
    await page.goto(`${demo.url}/setup/senders`);
    await page.waitForSelector(id('route'));
    await page.locator(id('sender'), { hasText: ACCOUNTS[1] }).first().click();
    await page.locator('select[name="alphabet"]').selectOption('gsm_refuse');
    await page.click(id('sender-change'));
    await page.waitForSelector(id('sender-change'), { state: 'detached' });
    await page.locator(id('route')).first().scrollIntoViewIfNeeded();
    await shot(page, 'alphabet');
    await campaign('In Arabic', ARABIC);
    assert.equal(await page.locator(id('preflight-accounts')).count(), 0, 'one account takes them all');
    const routes = await recipients();
    assert.ok(routes.every((line) => line.includes(`By ${ACCOUNTS[0]}`)), routes.join('; '));
    const passed = routes.filter((line) => line.includes('of those that take its characters'));
    assert.equal(passed.length, 2, 'those to the Emirates would have left by the cheaper one');
    await shot(page, 'characters');
    const ledger = await eventually('they have left', async () => {
      const texts = (await sandbox.ledger()).filter((entry) => entry.kind === 'sms_accepted' && entry.text === ARABIC);
      return texts.length >= 3 && texts;
    });
    assert.equal(ledger.length, 3, 'once each, as it was written');
    assert.deepEqual(boss.complaints, []);
  });
});

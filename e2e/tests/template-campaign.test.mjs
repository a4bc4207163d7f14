// A campaign by WhatsApp template: written, checked and started in the console. In the middle of it WhatsApp pauses the
// template: the page says that it is held and why. Reinstated, it goes on by itself, and at the end the console, the API
// and the ledger of WhatsApp tell the same: everybody once.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, inBoth, launch, openPage, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const COUNT = 24;
/** So many leave at once, the others a minute later. */
const AT_ONCE = 14;
const GROUP = 'trail club';
const TEMPLATE = {
  name: 'trail_days',
  language: 'en',
  category: 'MARKETING',
  components: [
    {
      type: 'BODY',
      text: 'Hello {{1}}, the trail days begin on {{2}}. Come along!',
      example: { body_text: [['Ada', 'Friday']] },
    },
    { type: 'FOOTER', text: 'Acme Outdoor' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Tell me more' }] },
  ],
};
const NEWS = {
  name: 'trail_news',
  language: 'en',
  category: 'UTILITY',
  components: [{ type: 'BODY', text: 'Hello {{1}}, your place is booked.', example: { body_text: [['Ada']] } }],
};
const TIERS = [
  'market,category,from,to,price',
  'United Arab Emirates,utility,1,10,0.0157',
  'United Arab Emirates,utility,11,30,0.0120',
  'United Arab Emirates,utility,31,,0.0100',
].join('\n');
const PRICES = 'market,category,price\nUnited Arab Emirates,marketing,0.0384\n';

const id = (name) => `[data-testid="${name}"]`;
const digits = (text) => text.replace(/[^0-9]/g, '');

describe('a campaign by template', { timeout: 240_000 }, () => {
  let demo, browser, product, sandbox, shot, marketer, page, campaign, number;
  // No law has other hours where these numbers are.
  const phones = Array.from({ length: COUNT }, (_, line) => `+97150555${String(1000 + line)}`);

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    const setup = await product.get('/setup-status');
    number = setup.channels.find((each) => each.kind === 'whatsapp').id;
    await sandbox.post('/templates', TEMPLATE);
    await product.post(`/channels/${number}/sync-templates`);
    for (const [line, phone] of [...phones.entries(), [COUNT, '+971505552000']]) {
      const contact = await product.post('/contacts', {
        phone,
        first_name: `Walker ${line}`,
        attributes: { group: GROUP },
      });
      // The last one has agreed to nothing.
      if (line === COUNT) continue;
      await product.post(`/contacts/${contact.id}/consent-events`, {
        channel: 'whatsapp',
        purpose: 'marketing',
        action: 'grant',
        method: 'web_form',
        wording: 'Yes, tell me about offers on WhatsApp.',
      });
    }
    browser = await launch();
    shot = await album('template-campaign');
    marketer = await openPage(browser);
    page = marketer.page;
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const noViolations = async (what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };
  const figure = async (testId) => Number(digits(await page.locator(id(testId)).first().innerText()));

  it('is written with a template, its values and whom it spares', async () => {
    await signIn(page, demo, 'mark@acme.example');
    await page.click(id('nav-campaigns'));
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), 'Trail days');
    await page.click(id('campaign-channel-whatsapp'));
    await page.locator(id('template-choice')).selectOption({ label: 'trail_days (en) · marketing' });
    await page.fill(id('template-value-2'), 'Friday');
    await page.getByText('the trail days begin on Friday').waitFor();
    await page.click(id('campaign-add-filter'));
    await page.fill(id('campaign-filter-field'), 'group');
    await page.fill(id('campaign-filter-value'), GROUP);
    await shot(page, 'composer');
    await noViolations('the composer');
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    assert.equal(await figure('audience-sendable'), COUNT);
    campaign = new URL(page.url()).pathname.split('/').at(-1);
    const { schedule } = await product.get(`/campaigns/${campaign}`);
    await product.patch(`/campaigns/${campaign}`, { schedule: { ...schedule, per_minute: AT_ONCE } });
    await page.reload();
    await page.waitForSelector(id('audience-sendable'));
  });

  it('is checked: who gets it, what of the limit it takes, and what it costs by market', async () => {
    await product.post('/rate-cards', {
      name: 'Autumn list',
      valid_from: '2026-10-01',
      currency: 'USD',
      csv: PRICES,
    });
    await page.click(id('campaign-start'));
    await page.waitForSelector(id('preflight'));
    assert.equal(await figure('preflight-sendable'), COUNT);
    assert.match(await page.locator(id('preflight-limit')).innerText(), new RegExp(`${COUNT}`));
    const markets = await page.locator(id('preflight-markets')).innerText();
    // 24 messages of 3.84 cents.
    assert.ok(markets.includes('United Arab Emirates, marketing: 24') && markets.includes('$0.92'), markets);
    assert.match(await page.locator(id('preflight-no_consent')).innerText(), /No opt-in on record/);
    await shot(page, 'check');
    await noViolations('the check');
    await page.click(id('confirm-start'));
    await page.waitForSelector(`${id('campaign-state')}[data-state="running"]`);
  });

  it('is held when WhatsApp pauses the template, and says why', async () => {
    await eventually('the first share is sent', async () => (await figure('funnel-sent')) === AT_ONCE);
    await sandbox.patch('/templates/trail_days', { status: 'PAUSED' });
    await page.waitForSelector(`${id('campaign-hold')}[data-rule="template_paused"]`);
    assert.match(await page.locator(id('campaign-hold')).innerText(), /paused/);
    assert.equal(await figure('funnel-queued'), COUNT - AT_ONCE);
    await page.locator(id('recipient-state')).selectOption({ label: 'Held' });
    await eventually('the held ones are shown', async () => {
      const states = await page.locator(`${id('recipient-row')} td:nth-child(2)`).allInnerTexts();
      return states.length === COUNT - AT_ONCE && states.every((text) => text.startsWith('Held'));
    });
    await page.evaluate(() => globalThis.scrollTo(0, 0));
    await shot(page, 'held');
    await noViolations('the held campaign');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'held-dark');
    await noViolations('the held campaign in the dark');
    await page.emulateMedia({ colorScheme: 'light' });
    // The time of the second share comes and goes.
    await new Promise((resolve) => setTimeout(resolve, 62_000));
    assert.equal(await figure('funnel-sent'), AT_ONCE, 'nothing leaves while it is held');
    const rows = await product.all(`/campaigns/${campaign}/recipients?state=held`);
    assert.ok(rows.every((row) => row.reason === 'WhatsApp has paused the template'), JSON.stringify(rows[0]));
  });

  it('goes on by itself when the template is reinstated, and finishes with exact books', async () => {
    await sandbox.patch('/templates/trail_days', { status: 'APPROVED' });
    await page.waitForSelector(`${id('campaign-state')}[data-state="finished"]`, { timeout: 60_000 });
    await eventually('all are told as delivered', async () => (await figure('funnel-delivered')) === COUNT);
    assert.equal(await page.locator(id('campaign-hold')).count(), 0);
    const funnel = await product.get(`/campaigns/${campaign}/funnel`);
    assert.deepEqual(
      [funnel.planned, funnel.sent, funnel.delivered, funnel.excluded, funnel.queued, funnel.failed, funnel.unknown],
      [COUNT + 1, COUNT, COUNT, 1, 0, 0, 0],
    );
    const got = (await sandbox.ledger())
      .filter((entry) => entry.kind === 'wa_accepted' && entry.template === 'trail_days')
      .map((entry) => `+${digits(entry.to)}`);
    assert.deepEqual(got.sort(), [...phones].sort(), 'everybody once, and nobody else');
    const charged = await product.get(`/campaigns/${campaign}/charges`);
    assert.deepEqual([charged.messages, charged.total, charged.unpriced], [COUNT, 92, 0]);
    await eventually('the charges are shown', async () => (await page.locator(id('campaign-charged')).count()) === 1, 40);
    await shot(page, 'finished');
    await noViolations('the finished campaign');
  });

  it('shows the tiers of the month in the check, in what was charged, and in Setup', async () => {
    await sandbox.post('/templates', NEWS);
    await product.post(`/channels/${number}/sync-templates`);
    const admin = await openPage(browser);
    await signIn(admin.page, demo, 'admin@acme.example');
    await admin.page.goto(`${demo.url}/setup/prices`);
    await admin.page.click(id('price-new'));
    await admin.page.fill(id('price-name'), 'With tiers');
    await admin.page.fill(id('price-day'), '2026-11-01');
    await admin.page.fill(id('price-currency'), 'USD');
    await admin.page.fill(id('price-table'), TIERS.replace('11,30', '12,30'));
    await admin.page.click(id('price-check'));
    const wrong = await admin.page.locator(id('price-problems')).innerText();
    assert.match(wrong, /Line 3: there is a gap: messages 11 to 11/);
    await shot(admin.page, 'gap');
    await admin.page.fill(id('price-table'), TIERS);
    await admin.page.click(id('price-check'));
    assert.match(await admin.page.locator(id('price-preview')).innerText(), /1 of them have tiers.*2026-10-01/s);
    await admin.page.click(id('price-take'));
    await admin.page.locator(id('price-list'), { hasText: 'With tiers' }).waitFor();

    await page.click(id('nav-campaigns'));
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), 'Places are booked');
    await page.click(id('campaign-channel-whatsapp'));
    await page.locator(id('template-choice')).selectOption({ label: 'trail_news (en) · utility' });
    await page.click(id('campaign-add-filter'));
    await page.fill(id('campaign-filter-field'), 'group');
    await page.fill(id('campaign-filter-value'), GROUP);
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    const news = new URL(page.url()).pathname.split('/').at(-1);
    await page.click(id('campaign-start'));
    await page.waitForSelector(id('preflight'));
    const parts = await page.locator(id('preflight-markets')).innerText();
    assert.match(parts, /10 at \$0\.0157\s+14 at \$0\.0120, the tier from message 11/);
    assert.match(parts, /0 were charged this month before; after these, 6 more until \$0\.0100/);
    await page.locator(id('preflight-markets')).scrollIntoViewIfNeeded();
    await shot(page, 'tiers-check');
    await noViolations('the check with tiers');
    await page.click(id('confirm-start'));
    await page.waitForSelector(`${id('campaign-state')}[data-state="finished"]`, { timeout: 60_000 });
    await eventually('all are charged', async () => {
      const charged = await product.get(`/campaigns/${news}/charges`);
      return charged.messages === COUNT && charged.total === 33;
    });
    await admin.page.reload();
    await admin.page.waitForSelector(id('volume'));
    const row = await admin.page.locator(id('volume')).innerText();
    assert.ok(row.includes('United Arab Emirates, utility') && row.includes('24'), row);
    assert.match(row, /6 more messages until \$0\.0100/);
    await inBoth(admin.page, shot, 'tiers-setup');
    await admin.page.locator(id('price-list'), { hasText: 'With tiers' }).locator(id('price-show')).click();
    assert.equal(await admin.page.locator(id('price-tier')).count(), 2);
    await shot(admin.page, 'tiers-list');
    assert.deepEqual(admin.complaints.filter((complaint) => !complaint.includes('401')), []);
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(
      marketer.complaints.filter((complaint) => !complaint.includes('401')),
      [],
    );
  });
});

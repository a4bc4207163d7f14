// A campaign by WhatsApp template with a picture above its text, each contact in their own language: the picture is chosen
// in the console, the check counts the languages, and the ledger of WhatsApp has one upload for all. And a campaign by SMS
// with a picture (MMS): it arrives on the phone, and the picture that comes back stands with the contact.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
import { png } from '../lib/media.mjs';
import { startDemo } from '../lib/product.mjs';

const GROUP = 'picture club';
const PEOPLE = [
  { phone: '+971505553001', first_name: 'Ana', locale: 'en' },
  { phone: '+971505553002', first_name: 'Bea', locale: 'de-AT' },
  { phone: '+971505553003', first_name: 'Cid', locale: 'fr' },
];
const template = (language, text) => ({
  name: 'spring_picture',
  language,
  category: 'MARKETING',
  components: [
    { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::example'] } },
    { type: 'BODY', text, example: { body_text: [['Ada']] } },
  ],
});
// One red point.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

const id = (name) => `[data-testid="${name}"]`;

describe('a campaign with a picture', { timeout: 180_000 }, () => {
  let demo, browser, product, sandbox, shot, marketer, page;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    const setup = await product.get('/setup-status');
    const number = setup.channels.find((each) => each.kind === 'whatsapp').id;
    await sandbox.post('/templates', template('en', 'Hello {{1}}, spring is here.'));
    await sandbox.post('/templates', template('de', 'Hallo {{1}}, der Lenz ist da.'));
    await product.post(`/channels/${number}/sync-templates`);
    for (const person of PEOPLE) {
      const contact = await product.post('/contacts', { ...person, attributes: { group: GROUP } });
      await product.post(`/contacts/${contact.id}/consent-events`, {
        channel: 'whatsapp',
        purpose: 'marketing',
        action: 'grant',
        method: 'web_form',
        wording: 'Yes, tell me about offers on WhatsApp.',
      });
    }
    browser = await launch();
    shot = await album('campaign-file');
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

  it('is written with its picture, to each in their own language', async () => {
    await signIn(page, demo, 'mark@acme.example');
    await page.click(id('nav-campaigns'));
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), 'Spring');
    await page.click(id('campaign-channel-whatsapp'));
    await page.locator(id('template-choice')).selectOption({ label: 'spring_picture (en) · marketing' });
    assert.match(await page.locator(id('template-file-state')).innerText(), /Choose the one/);
    await page.locator(id('template-file')).setInputFiles({ name: 'spring.png', mimeType: 'image/png', buffer: PNG });
    await page.getByText('Chosen: spring.png').waitFor();
    await page.click(id('template-by-language'));
    await page.click(id('campaign-add-filter'));
    await page.fill(id('campaign-filter-field'), 'group');
    await page.fill(id('campaign-filter-value'), GROUP);
    await shot(page, 'composer');
    await noViolations('the composer');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'composer-dark');
    await noViolations('the composer in the dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
  });

  it('is checked by language and sent with one upload for all', async () => {
    await page.click(id('campaign-start'));
    await page.waitForSelector(id('preflight-languages'));
    const languages = await page.locator(id('preflight-languages')).innerText();
    assert.ok(languages.includes('en: 2') && languages.includes('de: 1'), languages);
    await shot(page, 'check');
    await noViolations('the check');
    await page.click(id('confirm-start'));
    const sent = async () =>
      (await sandbox.ledger()).filter((entry) => entry.kind === 'wa_accepted' && entry.template === 'spring_picture');
    await eventually('all have it', async () => (await sent()).length === PEOPLE.length);
    const texts = (await sent()).map((entry) => entry.text).sort();
    assert.deepEqual(texts, [
      'Hallo Bea, der Lenz ist da.',
      'Hello Ana, spring is here.',
      'Hello Cid, spring is here.',
    ]);
    const uploads = (await sandbox.ledger()).filter((entry) => entry.kind === 'wa_file_uploaded');
    assert.equal(uploads.length, 1, 'once for all, not once for each');
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(
      marketer.complaints.filter((complaint) => !complaint.includes('401')),
      [],
    );
  });
});

describe('a text with a picture', { timeout: 180_000 }, () => {
  const NUMBER = '+15550100777';
  const CLUB = 'mms club';
  const ANA = '15550117001';
  let demo, browser, product, sandbox, shot, marketer, page, contact;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    const channel = await product.post('/channels', {
      kind: 'twilio',
      name: 'HTTP carrier',
      config: {
        base_url: demo.sandbox_url,
        account_sid: 'AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d',
        auth_token: 'sandbox-auth-token',
        callback_base_url: demo.url,
        segments_per_second: 200,
      },
    });
    await sandbox.post('/twilio', { inbound_url: `${demo.url}${channel.webhook_path}` });
    await product.post('/senders', { channel_id: channel.id, address: NUMBER, kind: 'long_code' });
    contact = await product.post('/contacts', { phone: `+${ANA}`, first_name: 'Ana', attributes: { group: CLUB } });
    await product.post(`/contacts/${contact.id}/consent-events`, {
      channel: 'sms',
      purpose: 'marketing',
      action: 'grant',
      method: 'web_form',
      wording: 'Yes, text me offers.',
    });
    const settings = await product.get('/campaign-settings');
    await product.put('/campaign-settings', { ...settings, mms_price: 2_000 });
    browser = await launch();
    shot = await album('mms');
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

  it('is written with its picture, which the preview of the phone shows', async () => {
    await page.goto(demo.url);
    await page.fill(id('login-email'), 'mark@acme.example');
    await page.fill(id('login-password'), demo.password);
    await page.click(id('login-submit'));
    await page.click(id('nav-campaigns'));
    await page.click(id('campaign-new'));
    await page.fill(id('campaign-name'), 'With a picture');
    const senders = page.locator(id('campaign-sender'));
    const value = await senders.locator('option', { hasText: NUMBER }).getAttribute('value');
    await senders.selectOption(value);
    await page.fill(id('campaign-body'), 'Our new tent');
    await page.click(id('campaign-footer-none'));
    await page
      .locator(id('campaign-media-add'))
      .setInputFiles({ name: 'tent.png', mimeType: 'image/png', buffer: png([60, 90, 255], 240, 160) });
    await page.waitForSelector(id('preview-picture'));
    assert.match(await page.locator(id('segment-counter')).innerText(), /1 MMS/);
    await page.click(id('campaign-add-filter'));
    await page.fill(id('campaign-filter-field'), 'group');
    await page.fill(id('campaign-filter-value'), CLUB);
    await shot(page, 'composer');
    await noViolations('the composer');
    await page.click(id('campaign-save'));
    await page.waitForSelector(id('audience-sendable'));
    await page.waitForSelector(id('preview-picture'));
  });

  it('is checked with its price, and arrives on the phone', async () => {
    await page.click(id('campaign-start'));
    await page.waitForSelector(id('preflight-mms'));
    assert.match(await page.locator(id('preflight-cost')).innerText(), /0\.02/);
    await shot(page, 'check');
    await noViolations('the check');
    await page.click(id('confirm-start'));
    const texts = async () => (await sandbox.get(`/handsets/${ANA}/sms`)).messages;
    await eventually('Ana has it', async () =>
      (await texts().catch(() => [])).some((sms) => sms.text === 'Our new tent' && sms.media.length === 1),
    );
    const phone = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await phone.goto(`${demo.sandbox_url}/phone?handset=${ANA}&app=sms&peer=${encodeURIComponent(NUMBER)}`);
    await phone.waitForSelector(id('sms-picture'));
    await phone
      .locator(id('sms-attach'))
      .setInputFiles({ name: 'mine.png', mimeType: 'image/png', buffer: png([255, 60, 60], 160, 160) });
    await phone.fill(id('sms-reply'), 'Mine looks like this');
    await phone.click(id('sms-send'));
    await eventually('the phone shows both', async () => (await phone.locator(id('sms-picture')).count()) === 2);
    await shot(phone, 'phone');
    await phone.close();
  });

  it('is answered with a picture, which stands with the contact', async () => {
    await page.goto(`${demo.url}/contacts/${contact.id}`);
    const file = page.locator(`${id('received-file')}[data-presence="stored"] img`);
    await file.waitFor();
    await eventually('the picture is loaded', () =>
      file.evaluate((image) => image.complete && image.naturalWidth > 0),
    );
    await file.scrollIntoViewIfNeeded();
    await shot(page, 'contact');
    await noViolations('the contact');
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(
      marketer.complaints.filter((complaint) => !complaint.includes('401')),
      [],
    );
  });
});

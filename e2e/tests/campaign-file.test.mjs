// A campaign by WhatsApp template with a picture above its text, each contact in their own language: the picture is chosen
// in the console, the check counts the languages, and the ledger of WhatsApp has one upload for all.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
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

// Forms: taken over from WhatsApp in Setup, offered by an agent, filled in on the phone's own page, and read in the
// conversation field by field. And the plain words of a channel's settings.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { album, inBoth as lookInBoth, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';

const id = (name) => `[data-testid="${name}"]`;

describe('forms', { timeout: 300_000 }, () => {
  let demo, browser, product, sandbox, shot, agent, boss, phone;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('forms');
    [agent, boss, phone] = [await openPage(browser), await openPage(browser), await openPage(browser)];
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const signIn = ({ page }, email) => signInTo(page, demo, email);
  const inBoth = ({ page }, step) => lookInBoth(page, shot, step);
  const chat = async () => (await sandbox.get(`/handsets/${CUSTOMER}/chats`)).chats[0]?.messages ?? [];

  it('are taken over in Setup, and a channel names its settings in plain words', async () => {
    await signIn(boss, 'admin@acme.example');
    const { page } = boss;
    await page.goto(`${demo.url}/setup/channels`);
    await page.locator(id('channel-waba_id')).waitFor();
    const labels = await page.locator('dt').allInnerTexts();
    assert.ok(labels.some((label) => label.startsWith('Business account ID')));
    assert.ok(!labels.some((label) => /waba id|base url/.test(label)), 'no raw names');
    await inBoth(boss, 'channel-settings');
    await page.goto(`${demo.url}/setup/templates`);
    await page.click(id('forms-sync'));
    await page.locator(id('form-row'), { hasText: 'book a visit' }).getByText('Can be sent').waitFor();
    await page.locator(id('form-row'), { hasText: 'rate our service' }).getByText('Draft at WhatsApp').waitFor();
    await page.locator(id('forms-sync')).scrollIntoViewIfNeeded();
    await inBoth(boss, 'setup-forms');
  });

  it('are offered by an agent while the window is open, only those that are published', async () => {
    for (const text of ['Hello', 'Maria', 'Order', 'ab-123456']) {
      const before = (await chat()).length;
      await sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text });
      await eventually(`the bot answers '${text}'`, async () => (await chat()).length > before + 1);
    }
    await signIn(agent, 'amy@acme.example');
    const { page } = agent;
    await page.click(id('nav-inbox'));
    await choose(page, 'presence-select', 'Available');
    await page.click(id('offer-accept'));
    await page.waitForSelector(id('composer-input'));
    await page.click(id('composer-more'));
    await page.click(id('more-form'));
    await page.waitForSelector(id('form-choose'));
    const options = await page.locator(`${id('form-choose')} option`).allInnerTexts();
    assert.deepEqual(options, ['book a visit'], 'a draft is not offered');
    await page.fill(id('form-text'), 'When would you like to come?');
    await page.fill(id('form-label'), 'Book a visit');
    await page.fill('[name=header]', 'Your visit');
    await page.fill('[name=footer]', 'It takes a minute');
    await inBoth(agent, 'form-dialog');
    await page.click(id('form-submit'));
    await page.locator(id('message-offers'), { hasText: 'book a visit' }).waitFor();
    await eventually('the form arrives', async () => (await chat()).some((message) => message.form));
  });

  it('are filled in on the phone, and the answers stand in the conversation by field', async () => {
    const { page } = phone;
    await page.goto(`${demo.sandbox_url}/phone?handset=${CUSTOMER}&app=chat`);
    await page.click(id('chat-form-open'));
    await page.fill(id('form-full_name'), 'Maria Lopez');
    await page.fill(id('form-day'), '2026-12-01');
    await page.selectOption(id('form-topic'), 'Repair');
    await page.check(id('form-remind_me'));
    await inBoth(phone, 'phone-form');
    await page.click(id('form-send'));
    await page.locator(id('chat-message'), { hasText: 'Book a visit: sent' }).waitFor();
    const answers = agent.page.locator(id('message-bubble'), { hasText: 'Maria Lopez' }).last();
    await answers.waitFor();
    const text = await answers.innerText();
    for (const [field, answer] of [['day', '2026-12-01'], ['topic', 'Repair'], ['full name', 'Maria Lopez']]) {
      assert.ok(text.includes(field) && text.includes(answer), `${field}: ${text}`);
    }
    assert.ok(!text.includes('flow token') && !text.includes('msg_'), 'the token is nobody’s answer');
    await inBoth(agent, 'answers');
    assert.deepEqual([...agent.complaints, ...boss.complaints, ...phone.complaints], []);
  });
});

/** Chooses in one of the console's own lists. */
async function choose(page, testId, text) {
  const field = page.locator(id(testId));
  await field.waitFor();
  if ((await field.evaluate((element) => element.tagName)) === 'SELECT') {
    const label = await field.locator('option', { hasText: text }).first().innerText();
    await field.selectOption({ label });
    return;
  }
  await field.click();
  await page
    .getByRole('option', { name: text })
    .or(page.getByRole('menuitem', { name: text }))
    .or(page.getByRole('menuitemradio', { name: text }))
    .first()
    .click();
}

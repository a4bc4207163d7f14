// The 24-hour window in a real browser: it closes while the agent looks, the reply waits, a template goes out, and the
// customer's answer delivers what waited, once.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';
const DAY = 24 * 3600 * 1000;
/** How much of the window is left when the customer has written; the server closes it a minute before its end. */
const LEFT = 150_000;

const id = (name) => `[data-testid="${name}"]`;

describe('the service window', { timeout: 420_000 }, () => {
  let demo, browser, product, sandbox, shot, agent, admin;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('window');
    agent = await openPage(browser);
    admin = await openPage(browser);
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const signIn = ({ page }, email) => signInTo(page, demo, email);

  const noViolations = async ({ page }, what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };

  /** A picture of the page in both schemes. */
  const inBoth = async ({ page }, step) => {
    await shot(page, step);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await page.waitForSelector('html[data-mantine-color-scheme="dark"]');
    await shot(page, `${step}-dark`);
    await noViolations({ page }, `${step} in the dark`);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.waitForSelector('html[data-mantine-color-scheme="light"]');
    await noViolations({ page }, step);
  };

  const writes = (text) => sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text });
  const chat = async () => (await sandbox.get(`/handsets/${CUSTOMER}/chats`)).chats[0]?.messages ?? [];
  const heard = async (text) => (await chat()).filter((message) => JSON.stringify(message).includes(text)).length;

  it('is set up to say that nobody is there, in the console', async () => {
    await signIn(admin, 'admin@acme.example');
    const { page } = admin;
    await page.click(id('nav-setup'));
    await page.click(id('setup-conversations'));
    await page.check(id('automatic-waiting-on'));
    await page.fill(id('automatic-waiting-text'), 'Hello {name}, one moment please.');
    assert.equal(await page.locator(id('automatic-waiting-preview')).innerText(), 'Hello Maria, one moment please.');
    await inBoth(admin, 'setup-conversations');
    await page.click(id('conversations-save'));
    const channel = (await product.get('/channels')).data.find((each) => each.kind === 'whatsapp');
    await eventually('the message is stored', async () => {
      const settings = await product.get(`/channels/${channel.id}/conversation-settings`);
      return settings.messages.waiting.enabled;
    });
  });

  it('is nearly over when the agent takes the conversation', async () => {
    // The customer's clock is that of WhatsApp: what counts is its time of the message.
    await sandbox.post('/clock', { advance_ms: LEFT - DAY });
    for (const text of ['Hello', 'Maria', 'Order', 'ab-123456']) {
      const before = (await chat()).length;
      await writes(text);
      await eventually(`the bot answers '${text}'`, async () => (await chat()).length > before + 1);
    }
    await eventually('the channel says that it takes a moment', async () => (await heard('one moment please')) === 1);
    await signIn(agent, 'amy@acme.example');
    const { page } = agent;
    await page.click(id('nav-inbox'));
    await page.locator(id('presence-select')).waitFor();
    await choose(page, 'presence-select', 'Available');
    await page.click(id('offer-accept'));
    await page.waitForSelector(id('composer-input'));
    assert.match(await page.locator(id('window-countdown')).first().innerText(), /^.*[0-2]:\d\d left$/s);
    await page.click(id('tab-closing'));
    assert.equal(await page.locator(id('session-row')).count(), 1, 'its window closes soon');
    await page.click(id('session-sort'));
    await inBoth(agent, 'closing-soon');
    await page.click(id('tab-mine'));
    await page.fill(id('composer-input'), 'I look it up, Maria.');
  });

  it('closes while the agent writes; the reply waits and can be changed', async () => {
    const { page } = agent;
    await page.waitForSelector(id('keep-input'), { timeout: LEFT + 10_000 });
    assert.equal(await page.inputValue(id('keep-input')), 'I look it up, Maria.', 'what was typed is still there');
    await page.click(id('keep-send'));
    await page.locator(id('pending-reply'), { hasText: 'I look it up, Maria.' }).waitFor();
    await page.fill(id('keep-input'), 'It arrives tomorrow.');
    await page.click(id('keep-send'));
    await page.locator(id('pending-reply'), { hasText: 'It arrives tomorrow.' }).waitFor();
    const first = page.locator(id('pending-reply')).first();
    await first.locator(id('pending-edit')).click();
    await first.locator(id('pending-text')).fill('I have looked it up, Maria.');
    await first.locator(id('pending-save')).click();
    await page.locator(id('pending-reply'), { hasText: 'I have looked it up, Maria.' }).waitFor();
    await inBoth(agent, 'replies-wait');
    assert.equal(await heard('looked it up'), 0, 'nothing has left');
  });

  it('sends a template, and the customer’s answer delivers what waited, once and in order', async () => {
    const { page } = agent;
    await sandbox.post('/clock', { advance_ms: DAY - LEFT });
    await page.locator(id('template-option'), { hasText: 'we are back' }).first().click();
    await page.click(id('template-send'));
    await eventually('the template arrives', async () => (await heard('continue your conversation')) === 1);
    assert.equal(await page.locator(id('pending-reply')).count(), 2, 'only the customer opens the window');
    await shot(page, 'template-sent');
    await writes('Yes, please');
    await page.waitForSelector(id('pending-reply'), { state: 'detached' });
    await page.getByLabel('Your reply', { exact: true }).waitFor();
    await eventually('both replies arrive', async () => (await heard('arrives tomorrow')) === 1);
    await writes('Thank you');
    await page.locator(id('message-bubble'), { hasText: 'Thank you' }).first().waitFor();
    const texts = (await chat()).map((message) => JSON.stringify(message));
    const place = (text) => texts.findIndex((each) => each.includes(text));
    assert.ok(place('Yes, please') < place('looked it up') && place('looked it up') < place('arrives tomorrow'));
    assert.equal(await heard('looked it up'), 1);
    assert.equal(await heard('arrives tomorrow'), 1);
    assert.match(await page.locator(id('window-countdown')).first().innerText(), /2[34] h/);
    await page.locator(id('numbers-messages'), { hasText: 'from people' }).waitFor();
    await inBoth(agent, 'delivered');
    const [session] = await product.all('/sessions?view=open');
    assert.equal(session.pending_count, 0);
    assert.ok(session.numbers.agent_messages >= 3 && session.numbers.first_response >= 0);
  });

  it('leaves no error in any console', () => {
    for (const [who, { complaints }] of Object.entries({ agent, admin })) {
      assert.deepEqual(complaints.filter((complaint) => !complaint.includes('401')), [], who);
    }
  });
});

/** Chooses by visible text in a native select or in one of the console's own. */
async function choose(page, testId, text) {
  const field = page.locator(id(testId));
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

// Bots that send files and forms: a flow is written in Setup with a file that is uploaded there and a form that is
// published, the phone shows both, and the answers lead the conversation on. A form that is withdrawn is passed over.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, sandboxApi } from '../lib/api.mjs';
import { album, inBoth as lookInBoth, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { png } from '../lib/media.mjs';
import { startDemo } from '../lib/product.mjs';

const MARIA = '15550110001';
const STRANGER = '15550119999';
const BUSINESS = '15550783881';

const id = (name) => `[data-testid="${name}"]`;

const FLOW = `flow: welcome
name: Welcome
agent: {queue: sales}
steps:
  - id: hello
    say: {text: "Welcome!"}

  - id: thanks
    say: {text: "Thank you, {{ name }}! Until {{ day }}."}
  - id: out
    handover: {summary: "A visit on {{ day }}"}
  - id: plain
    ask: {type: text, into: day, prompt: "Which day suits you?", on_fail: out}
    goto: out
`;

describe('flows', { timeout: 300_000 }, () => {
  let demo, browser, sandbox, shot, agent, boss, phone;

  before(async () => {
    demo = await startDemo('sqlite');
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('flows');
    [agent, boss, phone] = [await openPage(browser), await openPage(browser), await openPage(browser)];
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const signIn = ({ page }, email) => signInTo(page, demo, email);
  const inBoth = ({ page }, step) => lookInBoth(page, shot, step);
  const chat = async (customer) =>
    ((await sandbox.get(`/handsets/${customer}/chats`)).chats[0]?.messages ?? []).filter(
      (message) => message.direction === 'in',
    );
  const writes = (customer, text) =>
    sandbox.post(`/handsets/${customer}/chats/${BUSINESS}/messages`, { type: 'text', text });

  it('are written with files and forms, and refused in words when one is missing', async () => {
    await signIn(boss, 'admin@acme.example');
    const { page } = boss;
    await page.goto(`${demo.url}/setup/flows`);
    await page.locator(id('flow-row')).first().click();
    const source = page.locator(id('flow-source'));
    await source.waitFor();
    await page.locator(`${id('flow-add-form')}:disabled`).waitFor();
    await page.goto(`${demo.url}/setup/templates`);
    await page.click(id('forms-sync'));
    await page.locator(id('form-row'), { hasText: 'book a visit' }).getByText('Can be sent').waitFor();

    await page.goto(`${demo.url}/setup/flows`);
    await page.locator(id('flow-row')).first().click();
    await source.fill(FLOW);
    const toStep = (name) =>
      source.evaluate((field, at) => field.setSelectionRange(at, at), FLOW.indexOf(name));
    await toStep('Welcome!');
    const prices = { name: 'Prices.png', mimeType: 'image/png', buffer: png([255, 60, 60]) };
    await page.locator(id('flow-file')).setInputFiles(prices);
    await eventually('the file is in the flow', async () =>
      (await source.inputValue()).includes('# Prices.png'),
    );
    await page.locator(`${id('flow-form')} option`, { hasText: 'book a visit' }).waitFor({ state: 'attached' });
    await page.selectOption(id('flow-form'), 'book_a_visit');
    await page.click(id('flow-add-form'));
    await eventually('the form is in the flow', async () => (await source.inputValue()).includes('type: form'));
    const written = (await source.inputValue())
      .replace('fields: []', 'fields: [{name: full_name, into: name, label: Name}, {name: day}]');
    assert.ok(written.indexOf('# Prices.png') < written.indexOf('type: form'), 'one behind the other');
    await inBoth(boss, 'flow-editor');

    const unknown = written.replace(/file: med_\w+/, 'file: med_01hzy8vbk0e7m9qz3v5c6d7f8g');
    await source.fill(unknown.replace('form: "book_a_visit"', 'form: rate_our_service'));
    await page.click(id('flow-validate'));
    await page.getByText('There is no file med_01hzy8vbk0e7m9qz3v5c6d7f8g').waitFor();
    await page.getByText("has no published form named 'rate_our_service'").waitFor();
    await inBoth(boss, 'flow-problems');

    await source.fill(written);
    await page.click(id('flow-publish'));
    await page.getByText('Version 2 is published').waitFor();
  });

  it('reach the phone, and what is filled in leads on', async () => {
    await writes(MARIA, 'Hello');
    await eventually('the form arrives', async () => (await chat(MARIA)).some((message) => message.form));
    const got = await chat(MARIA);
    const at = got.findIndex((message) => message.type === 'image');
    assert.ok(at >= 0 && got[at + 1].form, 'the picture, then the form');
    const { page } = phone;
    await page.goto(`${demo.sandbox_url}/phone?handset=${MARIA}&app=chat`);
    await page.locator(id('chat-form-open')).waitFor();
    await inBoth(phone, 'phone');
    await page.click(id('chat-form-open'));
    await page.fill(id('form-full_name'), 'Maria Lopez');
    await page.fill(id('form-day'), '2026-12-01');
    await page.selectOption(id('form-topic'), 'Repair');
    await page.click(id('form-send'));
    await page.locator(id('chat-message'), { hasText: 'Thank you, Maria Lopez! Until 2026-12-01.' }).waitFor();
  });

  it('stand in the conversation as the bot’s, and the agent sees what was gathered', async () => {
    await signIn(agent, 'amy@acme.example');
    const { page } = agent;
    await page.click(id('nav-inbox'));
    await choose(page, 'presence-select', 'Available');
    await page.click(id('offer-accept'));
    await page.waitForSelector(id('composer-input'));
    await page.locator(id('message-picture')).waitFor();
    await page.locator(id('message-offers'), { hasText: 'book a visit' }).waitFor();
    await page.getByText('A visit on 2026-12-01').first().waitFor();
    await inBoth(agent, 'conversation');
  });

  it('pass over a form that was withdrawn after it was taken over', async () => {
    const form = (await sandbox.get('/forms')).forms.find((each) => each.name === 'book_a_visit');
    await sandbox.patch(`/forms/${form.id}`, { status: 'DEPRECATED' });
    await sandbox.post('/handsets', { phone: `+${STRANGER}`, name: 'Fred' });
    await writes(STRANGER, 'Hello');
    await eventually('the plain question', async () =>
      (await chat(STRANGER)).some((message) => message.text?.includes('Which day suits you?')),
    );
    assert.ok(!(await chat(STRANGER)).some((message) => message.form), 'no form came');
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

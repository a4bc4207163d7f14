// Work in the inbox: a colleague is called in a note and hears it at once, special messages leave, a transcript is taken out,
// a number gets rules for cases, and a blocked customer is found and unblocked.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn as signInTo } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const CUSTOMER = '15550110001'; // Maria
const BUSINESS = '15550783881';

const id = (name) => `[data-testid="${name}"]`;

describe('work in the inbox', { timeout: 420_000 }, () => {
  let demo, browser, product, sandbox, shot, agent, boss, session;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('inbox');
    agent = await openPage(browser, { acceptDownloads: true });
    boss = await openPage(browser, { acceptDownloads: true });
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const signIn = ({ page }, email) => signInTo(page, demo, email);
  const noViolations = async ({ page }, what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };
  /** A picture of the page in both schemes, checked in both. */
  const inBoth = async (who, step) => {
    const { page } = who;
    await shot(page, step);
    await noViolations(who, step);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await page.waitForSelector('html[data-mantine-color-scheme="dark"]');
    await shot(page, `${step}-dark`);
    await noViolations(who, `${step} in the dark`);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.waitForSelector('html[data-mantine-color-scheme="light"]');
  };
  const writes = (text) =>
    sandbox.post(`/handsets/${CUSTOMER}/chats/${BUSINESS}/messages`, { type: 'text', text });
  const chat = async () => (await sandbox.get(`/handsets/${CUSTOMER}/chats`)).chats[0]?.messages ?? [];
  const heard = async (text) =>
    (await chat()).filter((message) => JSON.stringify(message).includes(text)).length;

  it('lets an admin set what the number does with cases and who is introduced', async () => {
    await signIn(boss, 'admin@acme.example');
    const { page } = boss;
    await page.click(id('nav-setup'));
    await page.click(id('setup-conversations'));
    await page.check(id('automatic-accepted-on'));
    assert.equal(
      await page.locator(id('automatic-accepted-preview')).innerText(),
      'Sam is now with you.',
    );
    await page.selectOption(id('case-moment'), 'people');
    await page.fill(id('case-subject'), 'Chat with {name}');
    await page.selectOption(id('case-end'), 'close');
    await page.fill(id('case-reopen'), '7');
    await page.locator(id('case-reopen')).scrollIntoViewIfNeeded();
    await inBoth(boss, 'setup-cases');
    await page.click(id('conversations-save'));
    const channel = (await product.get('/channels')).data.find((each) => each.kind === 'whatsapp');
    await eventually('the rules are stored', async () => {
      const { cases, messages } = await product.get(`/channels/${channel.id}/conversation-settings`);
      return cases.moment === 'people' && cases.reopen_days === 7 && messages.accepted.enabled;
    });
  });

  it('opens a case when people get the conversation, and says who takes it', async () => {
    for (const text of ['Hello', 'Maria', 'Order', 'ab-123456']) {
      const before = (await chat()).length;
      await writes(text);
      await eventually(`the bot answers '${text}'`, async () => (await chat()).length > before + 1);
    }
    await signIn(agent, 'amy@acme.example');
    const { page } = agent;
    await page.click(id('nav-inbox'));
    await page.locator(id('presence-select')).waitFor();
    await choose(page, 'presence-select', 'Available');
    await page.click(id('offer-accept'));
    await page.waitForSelector(id('composer-input'));
    await eventually('the customer reads who it is', async () => (await heard('is now with you')) === 1);
    session = (await product.get('/sessions?view=open')).data[0];
    assert.ok(session.case_id, 'the session has a case');
    const [opened] = (await product.get('/cases')).data;
    assert.match(opened.subject, /^Chat with /);
  });

  it('calls a colleague in a note by the keyboard alone, and refuses who cannot see it', async () => {
    const { page } = agent;
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.locator(id('composer-input')).pressSequentially('Please look @');
    const options = page.locator(`${id('mention-options')} [role=option]`);
    await options.first().waitFor();
    assert.deepEqual(await page.locator(`${id('mention-options')} [aria-disabled=true] strong`).allInnerTexts(), [
      'Mark Marketer',
    ]);
    await page.locator(id('composer-input')).pressSequentially('sa');
    await options.filter({ hasText: 'Sam Supervisor' }).waitFor();
    await inBoth(agent, 'mention-options');
    await page.keyboard.press('Enter');
    assert.equal(await page.inputValue(id('composer-input')), 'Please look @Sam Supervisor ');
    await page.keyboard.type('at this refund');
    // Sam is looking at the console already.
    await boss.context.clearCookies();
    await signIn(boss, 'sam@acme.example');
    await boss.page.waitForSelector(id('nav-mentions'));
    await page.keyboard.press('Enter');
    await page.locator(id('mention'), { hasText: '@Sam Supervisor' }).waitFor();
    await boss.page.locator(`${id('nav-mentions')} [aria-label="1 unread"]`).waitFor();
    const notes = (await product.get(`/sessions/${session.id}/messages`)).data;
    const note = notes.find((message) => message.kind === 'note');
    assert.equal(note.text, 'Please look @Sam Supervisor at this refund');
    assert.equal(note.mentions.length, 1);
    assert.equal(await heard('at this refund'), 0, 'a note goes to nobody outside');
  });

  it('shows the colleague where, and jumps there', async () => {
    const { page } = boss;
    await page.click(id('nav-mentions'));
    await page.locator(id('mention-entry')).waitFor();
    await inBoth(boss, 'mentions');
    await page.click(id('mention-open'));
    await page.locator(id('mention'), { hasText: '@Sam Supervisor' }).waitFor();
    assert.equal(await page.locator(`${id('mention')}[data-me=yes]`).count(), 1);
    await eventually('it is read', async () =>
      (await page.locator(`${id('nav-mentions')} [aria-label]`).count()) === 0);
    await inBoth(boss, 'mention-in-note');
  });

  it('sends a link button and a location, and reacts to a message', async () => {
    const { page } = agent;
    await page.getByRole('button', { name: 'Reply', exact: true }).click();
    await page.click(id('composer-more'));
    await inBoth(agent, 'composer-more');
    await page.click(id('more-link'));
    await page.fill(id('extra-text'), 'Your order is here.');
    await page.fill(id('extra-label'), 'Open order');
    await page.fill(id('extra-url'), 'https://example.com/order');
    await inBoth(agent, 'link-dialog');
    await page.click(id('extra-send'));
    await eventually('the link arrives', async () => (await heard('Open order')) === 1);
    await page.click(id('composer-more'));
    await page.click(id('more-place'));
    await page.fill(id('extra-latitude'), '52.5200');
    await page.fill(id('extra-longitude'), '13.4050');
    await page.fill(id('extra-name'), 'Acme shop');
    await page.click(id('extra-send'));
    await eventually('the place arrives', async () => (await heard('Acme shop')) >= 1);
    await page.locator(id('message-bubble'), { hasText: 'Acme shop' }).first().waitFor();
    const theirs = page.locator(`${id('message-bubble')}[data-direction=inbound]`).last();
    await theirs.hover();
    await theirs.locator(id('react')).click();
    await page.click(id('react-thumbs-up'));
    await page.locator(`${id('message-bubble')}[data-kind=reaction]`).waitFor();
    await eventually('the reaction leaves', async () => {
      const all = (await product.get(`/sessions/${session.id}/messages`)).data;
      const reaction = all.find((message) => message.kind === 'reaction');
      return reaction && !['pending', 'sending', 'failed'].includes(reaction.state);
    });
    await inBoth(agent, 'sent-extras');
  });

  it('takes a transcript out, without notes unless asked, and notes who did', async () => {
    const { page } = agent;
    await page.click(id('export-transcript'));
    await inBoth(agent, 'export-dialog');
    const fetched = async () => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.click(id('export-confirm'))]);
      return readFile(await download.path(), 'utf8');
    };
    const html = await fetched();
    assert.match(html, /<h1>Transcript of /);
    assert.match(html, /Open order/);
    assert.doesNotMatch(html, /refund/, 'notes are for colleagues');
    await page.click(id('export-transcript'));
    await page.selectOption(id('export-format'), 'csv');
    await page.check(id('export-notes'));
    const csv = await fetched();
    assert.match(csv, /^"time","time_zone"/);
    assert.match(csv, /at this refund/);
    await boss.page.goto(`${demo.url}/setup/transcripts`);
    await eventually('both are noted', async () =>
      (await boss.page.locator(id('transcript-export')).count()) === 2);
    await inBoth(boss, 'setup-transcripts');
  });

  it('lists who is blocked, and takes it back', async () => {
    await product.post(`/sessions/${session.id}/block`, { reason: 'Threats' });
    const { page } = boss;
    await page.goto(`${demo.url}/setup/blocked`);
    await page.locator(id('blocked-customer'), { hasText: 'Threats' }).waitFor();
    await inBoth(boss, 'setup-blocked');
    await page.click(id('unblock'));
    await page.getByRole('dialog').getByRole('button', { name: 'Unblock' }).click();
    await eventually('nobody is blocked', async () => (await product.get('/customer-blocks')).data.length === 0);
    assert.deepEqual([...agent.complaints, ...boss.complaints], []);
  });
});

/** Chooses in one of the console's own lists. */
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

// The sandbox's page of controls: the template reviewer, notices of the account and faults of webhooks, in a browser, and
// what the product makes of them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi, sandboxApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const id = (name) => `[data-testid="${name}"]`;

describe('the controls of the sandbox', { timeout: 180_000 }, () => {
  let demo, browser, product, sandbox, shot, window, page;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    sandbox = sandboxApi(demo);
    browser = await launch();
    shot = await album('sandbox-controls');
    window = await openPage(browser);
    page = window.page;
    // As the demo prints it.
    await page.goto(demo.controls_url);
    await page.waitForSelector(id('template-row'));
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const row = (name, language) => page.locator(`${id('template-row')}[data-name="${name}"][data-language="${language}"]`);
  const channel = async () => (await product.get('/channels')).data.find((each) => each.kind === 'whatsapp');

  it('is readable in light and in dark, on a wide and on a narrow screen', async () => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await shot(page, colorScheme);
      assert.deepEqual(await accessibilityViolations(page), [], colorScheme);
    }
    await page.setViewportSize({ width: 480, height: 900 });
    await shot(page, 'narrow');
    assert.deepEqual(await accessibilityViolations(page), [], 'narrow');
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(sideways, 0, 'only the table scrolls sideways');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('reviews a template, which the product hears of', async () => {
    const { id: channelId } = await channel();
    const known = async () =>
      (await product.get(`/templates?channel_id=${channelId}&limit=100`)).data.find((each) => each.name === 'order_update' && each.language === 'en_US');
    const becomes = (what, test) => eventually(what, async () => test((await known()) ?? {}), 20);
    const template = row('order_update', 'en_US');
    await template.locator(id('template-pause')).click();
    await template.locator('[data-status="PAUSED"]').waitFor();
    await becomes('paused', (each) => String(each.status).toUpperCase() === 'PAUSED');
    await template.locator(id('template-reason')).selectOption('PROMOTIONAL');
    await template.locator(id('template-reject')).click();
    await template.getByText('Promotional', { exact: true }).first().waitFor();
    await becomes('rejected', (each) => String(each.status).toUpperCase() === 'REJECTED');
    await template.locator(id('template-approve')).click();
    await becomes('approved', (each) => String(each.status).toUpperCase() === 'APPROVED');
    await template.locator(id('template-category')).selectOption('MARKETING');
    await becomes('moved to marketing', (each) => String(each.category).toUpperCase() === 'MARKETING');
    await template.locator(id('template-quality')).selectOption('RED');
    await page.selectOption(id('reviewer'), 'manual');
    await eventually('the reviewer waits', async () => (await sandbox.get('/templates/reviewer')).mode === 'manual');
    await shot(page, 'reviewed');
  });

  it('tells of the account, which the product takes in', async () => {
    await page.selectOption(id('notice-name'), 'account_restricted');
    await page.click(id('notice-send'));
    await page.waitForSelector(id('notice-sent'));
    await eventually('the channel is shown as broken', async () => (await channel()).state === 'error', 20);
    await shot(page, 'notice');
  });

  it('sets faults of webhooks without touching the others', async () => {
    await sandbox.put('/faults', { receipt_delay_ms: 7 });
    await page.fill(id('fault-duplicates'), '30');
    await page.press(id('fault-duplicates'), 'Tab');
    await page.fill(id('fault-delay'), '2');
    await page.press(id('fault-delay'), 'Tab');
    await page.check(id('fault-hold'));
    await eventually('they are set', async () => {
      const faults = await sandbox.get('/faults');
      return (
        faults.webhook_duplicate_percent === 30 && faults.webhook_delay_ms === 2000 && faults.webhook_hold && faults.receipt_delay_ms === 7
      );
    });
    await page.fill(id('fault-duplicates'), '300');
    await page.press(id('fault-duplicates'), 'Tab');
    await page.getByText('0 to 100').waitFor();
    assert.equal((await sandbox.get('/faults')).webhook_duplicate_percent, 30, 'what is out of range is not set');
    await page.uncheck(id('fault-hold'));
    await page.click(id('flush'));
  });

  it('changes the number of a phone', async () => {
    await page.goto(`${demo.phone_url}?handset=15550110001`);
    await page.click(id('handset-15550110001'));
    await page.click('#number-box summary');
    await page.fill(id('number-phone'), '+15550110099');
    await page.click(id('number-change'));
    await page.waitForSelector(id('handset-15550110099'));
    await shot(page, 'number');
    assert.deepEqual(await accessibilityViolations(page), [], 'the phone page');
    const handsets = (await sandbox.get('/handsets')).handsets.map((each) => each.id);
    assert.ok(handsets.includes('15550110099') && !handsets.includes('15550110001'));
  });

  it('leaves no error in the console', () => {
    assert.deepEqual(window.complaints, []);
  });
});

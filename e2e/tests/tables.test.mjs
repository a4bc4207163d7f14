// Tables beside the contacts: made, filled by file, filtered and changed in the grid, asked by a segment, and looked up by a
// campaign's text.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, productApi } from '../lib/api.mjs';
import { accessibilityViolations, album, launch, openPage, signIn } from '../lib/browser.mjs';
import { startDemo } from '../lib/product.mjs';

const id = (name) => `[data-testid="${name}"]`;

describe('data tables', { timeout: 240_000 }, () => {
  let demo, browser, product, shot, page;

  before(async () => {
    demo = await startDemo('sqlite');
    product = productApi(demo);
    browser = await launch();
    shot = await album('tables');
    page = (await openPage(browser)).page;
    await signIn(page, demo, 'admin@acme.example');
  });

  after(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const noViolations = async (what) => {
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${what}`);
  };

  it('makes a table', async () => {
    await page.goto(`${demo.url}/tables`);
    await page.waitForSelector(id('table-new'));
    await shot(page, 'none-yet');
    await noViolations('no tables');
    await page.click(id('table-new'));
    await page.fill(id('table-label'), 'Orders');
    await page.click(id('column-add'));
    await page.click(id('column-add'));
    const label = (at) => page.locator(id('column-label')).nth(at);
    await label(0).fill('Order No.');
    await label(1).fill('Phone');
    await label(2).fill('Total');
    await label(3).fill('Status');
    await page.locator(id('column-kind')).nth(2).selectOption('number');
    await page.locator(id('column-kind')).nth(3).selectOption('choice');
    await page.fill(id('column-choices'), 'Open, Paid');
    await page.locator(id('table-link')).selectOption({ label: 'Phone' });
    await shot(page, 'new-table');
    await noViolations('a new table');
    await page.click(id('table-save'));
    await page.waitForSelector(id('row-new'));
    await shot(page, 'empty-table');
    await noViolations('an empty table');
  });

  it('imports a file, filters and changes a row', async () => {
    const [contact] = (await product.all('/contacts')).filter((each) => each.phone !== null);
    await page.click(id('table-import'));
    const csv = `Order no,Phone,Total,Status\n1001,${contact.phone},120.50,open\n1002,,7,paid\n1003,,many,paid\n`;
    const file = { name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) };
    await page.locator('input[type="file"]').setInputFiles(file);
    await page.waitForSelector(id('table-mapping'));
    await shot(page, 'mapping');
    await noViolations('the mapping');
    await page.click(id('import-start'));
    await page.waitForSelector(`${id('dry-run')}[data-state="done"]`);
    await shot(page, 'dry-run');
    await page.click(id('import-confirm'));
    await page.waitForSelector(`${id('import-progress')}[data-state="done"]`);
    assert.equal(await page.textContent(id('import-created')), '2');
    await page.click(id('import-show'));
    await page.waitForSelector(id('data-row'));
    assert.equal(await page.locator(id('data-row')).count(), 2);
    await shot(page, 'grid');
    await noViolations('the grid');
    await page.locator(id('filter-column')).selectOption('total');
    await page.locator(id('filter-comparison')).selectOption('at_least');
    await page.fill(id('filter-value'), '100');
    await eventually('one row is left', async () => (await page.locator(id('data-row')).count()) === 1);
    await page.locator(id('data-row')).first().focus();
    await page.keyboard.press('Enter');
    await page.fill(id('row-field-total'), 'lots');
    await page.click(id('row-save'));
    await page.getByText('is a number').waitFor();
    await page.fill(id('row-field-total'), '130');
    await shot(page, 'row');
    await noViolations('a row');
    await page.click(id('row-save'));
    await page.locator(id('data-row'), { hasText: '130' }).waitFor();
  });

  it('asks for rows in a segment', async () => {
    await page.goto(`${demo.url}/segments/new`);
    await page.locator(id('segment-topic')).first().selectOption('table');
    await page.locator(id('segment-table')).selectOption('orders');
    await page.click(id('segment-add-column'));
    await page.locator(id('segment-column')).selectOption('status');
    await page.locator(id('segment-column-value')).selectOption('Open');
    await page.getByText('has_row("orders", row.status == "Open")').first().waitFor().catch(() => undefined);
    await shot(page, 'segment');
    await noViolations('a segment over rows');
    const checked = await product.post('/segments/check', { condition: 'has_row("orders", row.status == "Open")' });
    assert.equal(checked.count, 1);
  });
});

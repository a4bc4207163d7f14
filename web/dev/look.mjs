// Takes a picture of every page in light and dark, wide and narrow, and runs axe on each.
// Needs `npm run build` and a Chromium (CHROMIUM=/path, default /usr/bin/chromium).
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PORT = 4188;
const BASE = `http://127.0.0.1:${PORT}`;
const OUT = fileURLToPath(new URL('./shots/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const only = process.argv[2];
mkdirSync(OUT, { recursive: true });

const click = (testId) => async (page) => page.getByTestId(testId).first().click();
const PAGES = [
  ['sign-in', '/sign-in'],
  ['first-run', '/setup?token=abc'],
  ['inbox-empty', '/inbox'],
  ['inbox', '/inbox/ses_1'],
  ['inbox-closing', '/inbox/ses_2'],
  ['inbox-unlinked', '/inbox/ses_3'],
  [
    'inbox-closed',
    '/inbox/ses_4',
    async (page) => page.getByTestId('template-option').nth(1).click(),
  ],
  ['inbox-other', '/inbox/ses_12'],
  ['inbox-quick', '/inbox/ses_1', async (page) => page.getByTestId('composer-input').fill('/')],
  ['inbox-end', '/inbox/ses_1', click('end-session')],
  [
    'inbox-lead',
    '/inbox/ses_2',
    async (page) => {
      if ((await page.getByTestId('create-lead').count()) === 0)
        await page.getByTestId('toggle-panel').click();
      await page.getByTestId('create-lead').click();
    },
  ],
  ['palette', '/inbox', async (page) => page.keyboard.press('Control+k')],
  ['keys', '/inbox/ses_1', async (page) => page.keyboard.press('?')],
  ['campaigns', '/campaigns'],
  ['campaign-new', '/campaigns/new'],
  ['campaign-draft', '/campaigns/cmp_15'],
  [
    'campaign-audience',
    '/campaigns/cmp_15',
    async (page) => {
      await page.getByTestId('audience-include').click();
      await page.keyboard.press('ArrowDown');
    },
  ],
  ['campaign-start', '/campaigns/cmp_15', click('campaign-start')],
  ['campaign', '/campaigns/cmp_14'],
  [
    'campaign-links',
    '/campaigns/cmp_14',
    async (page) => page.getByTestId('links-card').scrollIntoViewIfNeeded(),
  ],
  ['campaign-links-off', '/campaigns/cmp_14', click('links-switch')],
  ['segments', '/segments'],
  ['segment', '/segments/seg_1'],
  ['segment-text', '/segments/seg_1', click('segment-mode-text')],
  ['tables', '/tables'],
  ['table', '/tables/tbl_1'],
  ['search', '/search?q=tent'],
  ['mentions', '/mentions'],
  ['contacts', '/contacts'],
  ['contact', '/contacts/con_1'],
  ['contact-consent', '/contacts/con_1', click('consent-add')],
  ['consent-reviews', '/consent/reviews', async (page) => page.keyboard.press('ArrowDown')],
  ['consent-programmes', '/consent/programmes'],
  ['consent-programme', '/consent/programmes', click('programme-edit')],
  ['consent-people', '/consent/programmes', click('programme-people')],
  ['consent-words', '/consent/words'],
  [
    'consent-word',
    '/consent/words',
    async (page) => {
      await page.getByTestId('word-add').click();
      await page.getByTestId('word-text').fill('STOP');
      await page.getByTestId('word-kind').selectOption('reply');
      await page.waitForTimeout(500);
    },
  ],
  [
    'consent-settings',
    '/consent/settings',
    async (page) => {
      await page.getByTestId('try-text').fill('Which bus stop? Please stop texting me');
      await page.getByTestId('try-read').click();
      await page.getByTestId('ledger-check').click();
    },
  ],
  ['contacts-filter', '/contacts', click('filter-add')],
  [
    'contacts-selected',
    '/contacts',
    async (page) => {
      await page.getByTestId('contact-select').nth(0).check();
      await page.getByTestId('contact-select').nth(1).check();
    },
  ],
  ['duplicates', '/contacts/duplicates'],
  ['duplicates-merge', '/contacts/duplicates', click('duplicate-merge')],
  ['merges', '/contacts/merges'],
  ['fields', '/contacts/fields'],
  [
    'import',
    '/imports/new',
    async (page) => {
      await page.getByTestId('import-file').setInputFiles({
        name: 'subscribers.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from('Mobile\n1'),
      });
      await page.getByTestId('import-start').waitFor();
    },
  ],
  [
    'import-check',
    '/imports/new',
    async (page) => {
      await page.getByTestId('import-file').setInputFiles({
        name: 'subscribers.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from('Mobile\n1'),
      });
      await page.getByTestId('consent-kind').selectOption('none');
      await page.getByTestId('import-start').click();
      await page.getByTestId('import-confirm').waitFor();
    },
  ],
  ['import-done', '/imports/imp_1'],
  ['import-undo', '/imports/imp_1', click('import-undo')],
  ['imports', '/imports'],
  ...[
    'overview',
    'channels',
    'conversations',
    'templates',
    'senders',
    'prices',
    'texts',
    'link-domains',
    'policy',
    'queues',
    'linking',
    'blocked',
    'transcripts',
    'users',
    'files',
    'api-keys',
    'dead-letters',
    'workspace',
  ].map((key) => [`setup-${key}`, `/setup/${key}`]),
  ['setup-template', '/setup/templates', click('template-new')],
  [
    'setup-flows',
    '/setup/flows',
    async (page) => {
      await page.getByTestId('flow-row').click();
      await page.getByTestId('flow-validate').click();
    },
  ],
].filter(([name]) => only === undefined || name.startsWith(only));

const server = spawn(
  process.execPath,
  [fileURLToPath(new URL('./mock-server.mjs', import.meta.url))],
  { env: { ...process.env, PORT: String(PORT) }, stdio: ['ignore', 'pipe', 'inherit'] },
);
await new Promise((resolve) => server.stdout.once('data', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
let problems = 0;
for (const scheme of ['light', 'dark']) {
  for (const [width, height] of [
    [1440, 900],
    [400, 860],
  ]) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(5000);
    const report = (text) => {
      problems += 1;
      console.log(text);
    };
    let name = '';
    page.on('console', (entry) => {
      if (entry.type() === 'error') report(`${name} ${scheme} ${width}: console: ${entry.text()}`);
    });
    page.on('pageerror', (error) => report(`${name} ${scheme} ${width}: ${error.stack}`));
    for (const [pageName, path, act] of PAGES) {
      name = pageName;
      try {
        await page.goto(BASE + path);
        await page.waitForLoadState('load');
        await page.waitForTimeout(350);
        if (act !== undefined) await act(page);
        await page.waitForTimeout(250);
      } catch (error) {
        report(`${name} ${scheme} ${width}: ${error.message.split('\n')[0]}`);
      }
      await page.screenshot({ path: `${OUT}${name}-${width}-${scheme}.png` });
      // Through the debugger, because the page's own policy refuses foreign scripts.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() =>
        globalThis.axe.run({
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        }),
      );
      for (const violation of violations) {
        report(
          `${name} ${scheme} ${width}: axe ${violation.id} (${violation.nodes.length}): ${violation.nodes
            .slice(0, 2)
            .map((node) => `${node.html.slice(0, 140)} ${node.any[0]?.message ?? ''}`)
            .join(' | ')}`,
        );
      }
    }
    await context.close();
  }
}
await browser.close();
server.kill();
console.log(problems === 0 ? 'No problem found.' : `${problems} problems.`);
process.exitCode = problems === 0 ? 0 : 1;

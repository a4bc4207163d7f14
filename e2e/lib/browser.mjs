// Chromium, screenshots of each step, and accessibility checks.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  return chromium.launch({
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
}

/** Saves numbered screenshots under e2e/output/<name>/. */
export async function album(name) {
  const directory = join(here, '..', 'output', name);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  let number = 0;
  return async (page, step) => {
    number += 1;
    const file = `${String(number).padStart(2, '0')}-${step}.png`;
    await page.screenshot({ path: join(directory, file), fullPage: false });
  };
}

/** A page whose console errors and policy violations are kept. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  return { context, page, complaints };
}

/** WCAG 2.0 to 2.2 A and AA violations of the page, in words. */
export async function accessibilityViolations(page) {
  // Injected through the debugging protocol, so that the page's content security policy does not stop it.
  await page.evaluate(axeSource);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
    }),
  );
  return result.violations.map(
    (violation) =>
      `${violation.id}: ${violation.help} (${violation.nodes
        .slice(0, 3)
        .map((node) => node.target.join(' '))
        .join('; ')})`,
  );
}

/** Signs a user of the demo in by the form. */
export async function signIn(page, demo, email) {
  const id = (name) => `[data-testid="${name}"]`;
  await page.goto(demo.url);
  await page.fill(id('login-email'), email);
  await page.fill(id('login-password'), demo.password);
  await page.click(id('login-submit'));
  await page.waitForSelector('[data-testid^="nav-"]');
}

/** Takes a picture in light and in dark, each without a violation of accessibility. */
export async function inBoth(page, shot, step) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForTimeout(150);
    await shot(page, `${step}-${colorScheme}`);
    assert.deepEqual(await accessibilityViolations(page), [], `accessibility of ${step}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

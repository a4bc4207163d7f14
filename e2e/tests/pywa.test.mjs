// A WhatsApp client library for Python against the sandbox. What it does stands in python/pywa_client.py; here the sandbox
// is started for it, and its Python is the one that `cargo xtask test` prepares.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '../lib/product.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const python = join(here, '.venv', 'bin', 'python');
const inCi = Boolean(process.env.CI) && process.env.CI !== 'false';
const skip = !existsSync(python) && !inCi && 'SKIPPED: e2e/.venv is missing; cargo xtask test e2e makes it';

describe('pywa', { timeout: 60_000, skip }, () => {
  it('works against the sandbox without a change to it', async () => {
    const { log: _, stop, ...accounts } = await startSandbox();
    try {
      const child = spawn(python, [join(here, 'python', 'pywa_client.py')], {
        env: { ...process.env, SANDBOX: JSON.stringify(accounts), PYTHONDONTWRITEBYTECODE: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      child.stderr.on('data', (chunk) => (output += chunk));
      const code = await new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', resolve);
      });
      assert.equal(code, 0, output);
      // Not a run that found nothing to run.
      const ran = Number(/^Ran (\d+) tests/m.exec(output)?.[1]);
      assert.ok(ran >= 10, output);
    } finally {
      await stop();
    }
  });
});

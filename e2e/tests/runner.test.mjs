// A file of tests that hangs is ended with what it started, said by name, and shown with its log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(args, env) {
  const child = spawn(process.execPath, [join(root, 'run.mjs'), ...args], { env: { ...process.env, ...env } });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, text })));
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('ends a file that hangs, says so with its log, and goes on with the next', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'segue-e2e-runner-'));
  const note = join(directory, 'pid');
  const fixture = (name) => join(root, 'fixtures', name);
  const { code, text } = await run(['--seconds', '8', fixture('hangs.mjs'), fixture('passes.mjs')], { HANGS_PID: note });
  assert.equal(code, 1, text);
  assert.match(text, /fixtures\/hangs\.mjs hung: it did not end within 8 seconds/);
  assert.match(text, /segue\.log, its last words:\nthe last words of the product/);
  assert.match(text, /1 of 2 files passed\./);
  const pid = Number(await readFile(note, 'utf8'));
  // The system may take a moment to clear it away.
  for (let tries = 0; tries < 50 && isRunning(pid); tries += 1) await new Promise((done) => setTimeout(done, 100));
  assert.equal(isRunning(pid), false, 'what it started is ended as well');
  await rm(directory, { recursive: true, force: true });
});

it('is content with files that pass', { timeout: 60_000 }, async () => {
  const { code, text } = await run([join(root, 'fixtures', 'passes.mjs')]);
  assert.equal(code, 0, text);
  assert.match(text, /1 of 1 files passed\./);
});

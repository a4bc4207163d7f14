// Starts the real binary with the sandbox and demo data, and ends it by its own process id.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** Runs a binary of the workspace and waits for its first line of JSON. */
async function start(name, args, env = {}) {
  const child = spawn(join(target, 'debug', name), args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-100_000)));
  const first = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready:\n${log}`)));
  });
  const stop = (signal = 'SIGTERM') =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', resolve);
      child.kill(signal);
    });
  return { child, first, stop, log: () => log };
}

/** A PostgreSQL server of its own; `url` names an empty database. */
export async function startPostgres() {
  const server = await start('segue-test-postgres', []);
  return { url: server.first.trim(), stop: server.stop };
}

/**
 * The product with the sandbox and demo data on free ports.
 * `engine` is "sqlite" or "postgres"; `more` are further arguments.
 */
export async function startDemo(engine, more = []) {
  const data = await mkdtemp(join(tmpdir(), 'segue-e2e-'));
  const postgres = engine === 'postgres' ? await startPostgres() : null;
  const args = ['demo', '--json', '--listen', '127.0.0.1:0', '--sandbox', '127.0.0.1:0', '--smpp', '127.0.0.1:0'];
  args.push('--data', data);
  if (postgres) args.push('--database-url', postgres.url);
  args.push(...more);
  const demo = await start('segue', args);
  return {
    ...JSON.parse(demo.first),
    pid: demo.child.pid,
    log: demo.log,
    async stop() {
      await demo.stop();
      if (postgres) await postgres.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** The sandbox alone, as other products use it: its addresses and accounts. */
export async function startSandbox() {
  const args = ['sandbox', '--json', '--listen', '127.0.0.1:0', '--smpp', '127.0.0.1:0'];
  const sandbox = await start('segue', args);
  const accounts = JSON.parse(sandbox.first);
  return { ...accounts, sandbox_url: accounts.graph_base_url, log: sandbox.log, stop: sandbox.stop };
}

// Starts the real binary with the sandbox and demo data, and ends it by its own process id.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { appendFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
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
  child.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-100_000);
    // Whoever runs this file shows it when the file hangs.
    if (process.env.E2E_LOGS) appendFileSync(join(process.env.E2E_LOGS, `${name}-${child.pid}.log`), chunk);
  });
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

/**
 * A port of the loopback interface for a server that goes down and comes back, as `Port` of the Rust tests reserves it:
 * below the range that the system gives to whatever connects next, and held by a UDP socket of the same number.
 */
async function reservePort() {
  for (let number = 20_000 + (process.pid % 11_999); number < 44_000; number += 1) {
    const port = number < 32_000 ? number : number - 12_000;
    const reserved = createSocket('udp4');
    const held = await new Promise((resolve) => {
      reserved.once('error', () => resolve(false));
      reserved.bind(port, '127.0.0.1', () => resolve(true));
    });
    const probe = createServer();
    const free =
      held &&
      (await new Promise((resolve) => {
        probe.once('error', () => resolve(false));
        probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
      }));
    if (free) {
      reserved.unref();
      return { port, release: () => reserved.close() };
    }
    if (held) reserved.close();
  }
  throw new Error('no port of 20000 to 31999 is free');
}

/**
 * The product as a server of its own beside the sandbox, so that it can be killed and started again while phones and
 * carriers go on. `change` may change the text of the demo's workspace file before it is applied.
 */
export async function startServer({ change = (text) => text } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'segue-e2e-'));
  const sandbox = await startSandbox();
  const password = 'segue-e2e-password';
  const [smppHost, smppPort] = sandbox.smpp.split(':');
  const reserved = await reservePort();
  const url = `http://127.0.0.1:${reserved.port}`;
  const apiKey = 'segue-e2e-api-key-0123456789';
  const env = {
    SEGUE_LISTEN: url.slice('http://'.length),
    SEGUE_DATA_DIRECTORY: join(data, 'server'),
    SEGUE_WHATSAPP_LINK_BASE: sandbox.whatsapp_link_base,
    SEGUE_CALLBACKS: 'anywhere',
    SEGUE_LOG: 'warn',
    SEGUE_API_KEY: apiKey,
  };
  const manifest = await readFile(join(root, 'demo', 'workspace.yaml'), 'utf8');
  await cp(join(root, 'demo', 'flows'), join(data, 'flows'), { recursive: true });
  await writeFile(join(data, 'workspace.yaml'), change(manifest));
  await start('segue', ['apply', '--yes', '--json', '--file', join(data, 'workspace.yaml')], {
    ...env,
    DEMO_PASSWORD: password,
    DEMO_GRAPH_URL: sandbox.graph_base_url,
    DEMO_SMPP_HOST: smppHost,
    DEMO_SMPP_PORT: smppPort,
  }).then(
    (apply) => new Promise((resolve) => (apply.child.exitCode === null ? apply.child.once('exit', resolve) : resolve())),
  );
  let server = await start('segue', ['serve'], env);
  const logs = [];
  const stopServer = async (signal) => {
    await server.stop(signal);
    logs.push(server.log());
  };
  return {
    url,
    api_key: apiKey,
    password,
    sandbox_url: sandbox.graph_base_url,
    phone_number_id: sandbox.phone_number_id,
    data: join(data, 'server'),
    /** Ends the server in the middle of whatever it does, or as asked, and starts it again on the same data. */
    async restart(signal = 'SIGKILL') {
      await stopServer(signal);
      server = await start('segue', ['serve'], env);
    },
    log: () => logs.join('') + server.log(),
    async stop() {
      await server.stop();
      await sandbox.stop();
      reserved.release();
      await rm(data, { recursive: true, force: true });
    },
  };
}

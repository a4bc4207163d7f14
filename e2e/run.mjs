// Runs the browser tests, one file after the other, each for a limited time: `node run.mjs [--seconds N] [file …]`.
//
// A test has its own limit, and a whole file still can hang: a program that does not end, a hook that waits. Such a file
// is ended with everything it started, and what the programs of the product had to say last is shown with its name.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
/** Longer than any file takes on a slow machine. */
const USUAL_SECONDS = 1_200;
/** How long a file has to end by itself when it is asked to. */
const GRACE = 10_000;
/** How much of a log is shown, in characters. */
const SHOWN = 4_000;

async function allFiles() {
  const names = await readdir(join(here, 'tests'));
  return names.filter((name) => name.endsWith('.test.mjs')).sort().map((name) => join(here, 'tests', name));
}

/** The last words of each program that wrote a log. */
async function showLogs(directory) {
  const names = (await readdir(directory)).sort();
  if (names.length === 0) console.log('No program of the product wrote a log.');
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8');
    console.log(`--- ${name}, its last words:\n${text.slice(-SHOWN).trimEnd() || '(it said nothing)'}`);
  }
}

/** Runs one file. Gives nothing when all is well, else why not. */
async function runOne(file, seconds) {
  const logs = await mkdtemp(join(tmpdir(), 'segue-e2e-logs-'));
  const env = { ...process.env, E2E_LOGS: logs };
  // Under this a test runner thinks it is a part of another one, and runs nothing.
  delete env.NODE_TEST_CONTEXT;
  // A group of its own, so that it can be ended with whatever it started.
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', file], { env, stdio: 'inherit', detached: true });
  const ended = new Promise((done) => {
    child.once('error', (error) => done(`cannot be run: ${error.message}`));
    child.once('exit', (code, signal) => done(code === 0 ? null : `failed (${signal ?? `exit code ${code}`})`));
  });
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // It has ended.
    }
  };
  const passOn = () => {
    isStopped = true;
    signal('SIGTERM');
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, passOn);
  const wait = (milliseconds) => {
    let timer;
    const passed = new Promise((done) => (timer = setTimeout(() => done(undefined), milliseconds)));
    return Promise.race([ended, passed]).finally(() => clearTimeout(timer));
  };
  let why = await wait(seconds * 1_000);
  if (why === undefined) {
    why = `hung: it did not end within ${seconds} seconds and was ended`;
    console.log(`\n${relative(here, file)} ${why}.`);
    await showLogs(logs);
    signal('SIGTERM');
    await wait(GRACE);
  }
  // Nothing of it may be in the way of the next one.
  signal('SIGKILL');
  for (const name of ['SIGINT', 'SIGTERM']) process.off(name, passOn);
  await rm(logs, { recursive: true, force: true });
  return why;
}

const words = process.argv.slice(2);
let seconds = USUAL_SECONDS;
const at = words.indexOf('--seconds');
if (at >= 0) seconds = Number(words.splice(at, 2)[1]);
if (!(seconds > 0)) throw new Error('--seconds needs a number of seconds.');
const files = words.length > 0 ? words.map((word) => resolve(word)) : await allFiles();
const failures = [];
// Whether somebody asked for an end.
let isStopped = false;
for (const file of files) {
  if (isStopped) break;
  const why = await runOne(file, seconds);
  if (why !== null) failures.push(`${relative(here, file)} ${why}`);
}
if (isStopped) {
  console.log('\nStopped before the end.');
  process.exit(130);
}
console.log(`\n${files.length - failures.length} of ${files.length} files passed.`);
for (const failure of failures) console.log(`FAILED ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);

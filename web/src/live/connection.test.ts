// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startLive } from './connection';
import { resetLive, useLive } from './store';

/** The tabs of this browser: what one posts, the others hear. */
class Channel {
  static open: Channel[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor(readonly name: string) {
    Channel.open.push(this);
  }
  postMessage(data: unknown) {
    Channel.open.filter((each) => each !== this).forEach((each) => each.onmessage?.({ data }));
  }
  close() {
    Channel.open = Channel.open.filter((each) => each !== this);
  }
}

const snapshot = (seq: number, ...ids: string[]) =>
  new Response(
    JSON.stringify({
      seq,
      sight: 'a',
      user: { id: 'usr_1' },
      sessions: ids.map((id) => ({ id, version: 1 })),
      offers: [],
      agents: [],
      queues: [],
    }),
  );

const created = (seq: number, id: string) => ({
  kind: 'event',
  event: { seq, type: 'session.created', data: { session: { id, version: 1 } } },
});

let asked: ((answer: Response | Error) => void)[] = [];
let owner: Channel;
let end: () => void = () => undefined;

beforeEach(() => {
  asked = [];
  resetLive();
  vi.useFakeTimers();
  vi.stubGlobal('BroadcastChannel', Channel);
  // Another tab has the stream.
  vi.stubGlobal('navigator', { locks: { request: () => new Promise(() => undefined) } });
  vi.stubGlobal(
    'fetch',
    () =>
      new Promise((resolve, reject) =>
        asked.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer))),
      ),
  );
  owner = new Channel('segue-live-usr_1');
});

afterEach(() => {
  end();
  Channel.open = [];
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const shown = () => Object.keys(useLive.getState().sessions).sort();
const settle = () => vi.advanceTimersByTimeAsync(100);

async function begin(answer: Response) {
  const started = startLive('usr_1');
  asked[0]?.(answer);
  end = await started;
}

it('takes what it hears while the first snapshot is loaded only after it', async () => {
  const started = startLive('usr_1');
  owner.postMessage(created(11, 'b'));
  // Further than the snapshot that is on its way.
  owner.postMessage({ kind: 'cursor', seq: 12 });
  asked[0]?.(snapshot(10, 'a'));
  end = await started;
  await settle();
  expect(shown()).toEqual(['a', 'b']);
  expect(useLive.getState()).toMatchObject({ seq: 12, user: { id: 'usr_1' } });
});

it('starts over with the tab that has the stream, and misses nothing meanwhile', async () => {
  await begin(snapshot(10, 'a'));
  owner.postMessage({ kind: 'resync' });
  // The first attempt fails; events go on.
  asked[1]?.(new TypeError('cut'));
  owner.postMessage(created(101, 'd'));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(shown()).toEqual(['a']);
  asked[2]?.(snapshot(100, 'c'));
  await settle();
  expect(shown()).toEqual(['c', 'd']);
  expect(useLive.getState().seq).toBe(101);
});

it('follows a log that begins anew', async () => {
  await begin(snapshot(500, 'a'));
  owner.postMessage({ kind: 'resync' });
  asked[1]?.(snapshot(3, 'b'));
  await settle();
  expect(shown()).toEqual(['b']);
  expect(useLive.getState().seq).toBe(3);
});

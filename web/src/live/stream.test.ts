// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backoffMs, runStream, type StreamHandlers } from './stream';

function body(...chunks: string[]): Response {
  const bytes = new TextEncoder();
  return new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        chunks.forEach((chunk) => controller.enqueue(bytes.encode(chunk)));
        controller.close();
      },
    }),
  );
}

/** A connection that says hello and then nothing, until it is aborted. */
function silent(signal: AbortSignal, opened: () => void): Response {
  return new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(
          new TextEncoder().encode('event: hello\ndata: {"heartbeat_ms":1000}\n\n'),
        );
        opened();
        signal.addEventListener('abort', () =>
          controller.error(new DOMException('', 'AbortError')),
        );
      },
    }),
  );
}

const created = (seq: number) =>
  `id: ${seq}\nevent: session.created\ndata: {"seq":${seq},"type":"session.created"}\n\n`;

let cursor = 0;
let sight: string | null = null;
let seen: number[] = [];
let stop: AbortController;
let handlers: StreamHandlers;
let urls: string[] = [];

function answers(...list: ((signal: AbortSignal) => Response | Promise<Response>)[]) {
  vi.stubGlobal('fetch', (url: string, init: { signal: AbortSignal }) => {
    urls.push(url);
    const next = list.shift();
    if (next === undefined) {
      stop.abort();
      return Promise.reject(new TypeError('over'));
    }
    return Promise.resolve().then(() => next(init.signal));
  });
}

beforeEach(() => {
  cursor = 5;
  sight = 'a';
  seen = [];
  urls = [];
  stop = new AbortController();
  vi.spyOn(Math, 'random').mockReturnValue(0);
  handlers = {
    cursor: () => cursor,
    sight: () => sight,
    onEvent: (event) => {
      seen.push(event.seq);
      cursor = event.seq;
    },
    onCursor: (seq) => {
      cursor = Math.max(cursor, seq);
    },
    onHeard: vi.fn(),
    onStatus: vi.fn(),
    onResync: vi.fn(() => {
      cursor = 90;
      return Promise.resolve();
    }),
    onSignedOut: vi.fn(),
  };
});

afterEach(() => vi.unstubAllGlobals());

describe('runStream', () => {
  it('goes on after a cut where it stopped', async () => {
    answers(
      () => body(created(6), created(7)),
      () => Promise.reject(new TypeError('network')),
      () => body(created(8)),
    );
    await runStream(handlers, stop.signal);
    expect(seen).toEqual([6, 7, 8]);
    expect(urls.slice(0, 3)).toEqual([
      '/api/v1/events?since=5&beats=true',
      '/api/v1/events?since=7&beats=true',
      '/api/v1/events?since=7&beats=true',
    ]);
    expect(handlers.onStatus).toHaveBeenCalledWith('offline');
  });

  it('moves the cursor with a heartbeat', async () => {
    answers(
      () => body('event: heartbeat\ndata: {"seq":40}\n\n'),
      () => body(),
    );
    await runStream(handlers, stop.signal);
    expect(urls[1]).toBe('/api/v1/events?since=40&beats=true');
  });

  it.each([
    ['a resync frame', () => body('event: resync\ndata: {"reason":"overflow"}\n\n')],
    ['a cursor that is too old', () => new Response(null, { status: 410 })],
  ])('loads a snapshot after %s', async (_, first) => {
    answers(first, () => body());
    await runStream(handlers, stop.signal);
    expect(handlers.onResync).toHaveBeenCalledOnce();
    expect(urls[1]).toBe('/api/v1/events?since=90&beats=true');
  });

  it('loads a snapshot when what we may see has changed meanwhile, and not when it has not', async () => {
    const hello = (name: string) => `event: hello\ndata: {"sight":"${name}"}\n\n`;
    answers(
      () => body(hello('a'), created(6)),
      () => body(hello('b'), created(7)),
      () => body(hello('b'), created(91)),
    );
    vi.mocked(handlers.onResync).mockImplementation(() => {
      [cursor, sight] = [90, 'b'];
      return Promise.resolve();
    });
    await runStream(handlers, stop.signal);
    expect(handlers.onResync).toHaveBeenCalledOnce();
    expect(seen).toEqual([6, 91]);
    expect(urls[2]).toBe('/api/v1/events?since=90&beats=true');
  });

  it('stops when nobody is signed in', async () => {
    answers(() => new Response(null, { status: 401 }));
    await runStream(handlers, stop.signal);
    expect(handlers.onSignedOut).toHaveBeenCalledOnce();
    expect(urls).toHaveLength(1);
  });

  it('says that it hears what comes in, no more than twice in a heartbeat', async () => {
    vi.useFakeTimers();
    let send: (text: string) => void = () => {};
    answers(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              send = (text) => controller.enqueue(new TextEncoder().encode(text));
              send('event: hello\ndata: {"heartbeat_ms":1000}\n\n');
            },
          }),
        ),
    );
    void runStream(handlers, stop.signal);
    await vi.advanceTimersByTimeAsync(0);
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      send('event: heartbeat\ndata: {"seq":5}\n\n');
      await vi.advanceTimersByTimeAsync(0);
      return vi.mocked(handlers.onHeard).mock.calls.length;
    };
    expect(await after(400)).toBe(0);
    expect(await after(200)).toBe(1);
    expect(await after(100)).toBe(1);
    expect(await after(1000)).toBe(2);
    stop.abort();
  });

  it('takes a line without heartbeat for dead and connects again', async () => {
    vi.useFakeTimers();
    let opened = () => {};
    const open = new Promise<void>((resolve) => (opened = resolve));
    answers((signal) => silent(signal, opened));
    const running = runStream(handlers, stop.signal);
    await open;
    await vi.advanceTimersByTimeAsync(1900);
    expect(urls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(400);
    await running;
    expect(urls).toHaveLength(2);
  });
});

describe('backoffMs', () => {
  it('doubles up to 15 seconds and spreads over the whole span', () => {
    expect([0, 1, 2, 10].map((attempt) => backoffMs(attempt, 1))).toEqual([
      500, 1000, 2000, 15_000,
    ]);
    expect(backoffMs(10, 0)).toBe(0);
  });
});

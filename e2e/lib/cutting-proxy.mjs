// A line between browser and server that breaks: it passes everything on and cuts the event stream at points of chance.
import { connect, createServer } from 'node:net';
import { chance } from './chance.mjs';

/**
 * Listens on a free port and passes connections on to `target` (`http://host:port`). From `begin(limit)` on, and while
 * that many cuts are not used up, each event stream ends after a number of bytes or a time that chance gives: before its first byte, within a frame,
 * between frames. `forgets` takes away what the browser says it has seen, so that nothing is caught up.
 */
export async function cuttingProxy(target, { seed, forgets = false }) {
  const { hostname, port } = new URL(target);
  const random = chance(seed);
  const open = new Set();
  const state = { cuts: 0, streams: 0, withinFrame: 0, limit: 0 };

  const server = createServer((browser) => {
    const upstream = connect(Number(port), hostname);
    const pair = { browser, upstream };
    open.add(pair);
    let left = null; // bytes until the cut, on a stream that is to be cut
    let last = Buffer.alloc(0);
    let timer;
    const end = () => {
      clearTimeout(timer);
      open.delete(pair);
      browser.destroy();
      upstream.destroy();
    };
    const cut = () => {
      state.cuts += 1;
      if (!last.subarray(-4).toString('latin1').includes('\n\n')) state.withinFrame += 1;
      end();
    };
    for (const side of [browser, upstream]) {
      side.on('error', end);
      side.on('close', end);
      side.setNoDelay(true);
    }
    browser.on('data', (chunk) => {
      let bytes = chunk;
      // The browser sends a request at a time; the line of a request for events is never split in practice.
      const text = chunk.toString('latin1');
      if (text.startsWith('GET /api/v1/events')) {
        state.streams += 1;
        pair.isStream = true;
        if (forgets) {
          const asked = text.replace(/^GET \/api\/v1\/events\?\S*/, 'GET /api/v1/events').replace(/\r\nlast-event-id:[^\r]*/i, '');
          bytes = Buffer.from(asked, 'latin1');
        }
        if (state.cuts < state.limit) {
          left = random.below(3) === 0 ? random.below(400) : random.below(12_000);
          timer = setTimeout(cut, 50 + random.below(900));
        }
      } else if (left !== null) {
        left = null;
        clearTimeout(timer);
      }
      upstream.write(bytes);
    });
    upstream.on('data', (chunk) => {
      if (left === null) {
        browser.write(chunk);
        return;
      }
      const passed = chunk.subarray(0, left);
      left -= passed.length;
      if (passed.length > 0) last = passed;
      if (left > 0) browser.write(passed);
      // What is in the buffer still reaches the browser before the end of the line.
      else browser.write(passed, cut);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    /** From now on streams are cut, the open ones first. */
    begin(limit) {
      state.limit = limit;
      for (const { browser, upstream, isStream } of open) {
        if (!isStream) continue;
        state.cuts += 1;
        browser.destroy();
        upstream.destroy();
      }
    },
    /** From now on the line holds. */
    hold() {
      state.limit = 0;
    },
    async stop() {
      for (const { browser, upstream } of open) {
        browser.destroy();
        upstream.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

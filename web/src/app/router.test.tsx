// @vitest-environment happy-dom
import { QueryClient } from '@tanstack/react-query';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConsoleRouter } from './router';

afterEach(() => {
  vi.unstubAllGlobals();
  window.history.replaceState(null, '', '/');
});

async function opened(address: string) {
  window.history.replaceState(null, '', address);
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({}, { status: 401 })));
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createConsoleRouter(cache);
  await router.load();
  router.history.destroy();
  return router.state.location;
}

describe('the way to the sign-in', () => {
  it('keeps the whole address that was asked for', async () => {
    const { pathname, search } = await opened('/search?q=tents&from=2026-11-01');
    expect(pathname).toBe('/sign-in');
    expect(search).toEqual({ next: '/search?q=tents&from=2026-11-01' });
  });
});

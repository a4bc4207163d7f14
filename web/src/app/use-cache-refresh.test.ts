import { InfiniteQueryObserver, QueryClient } from '@tanstack/react-query';
import { describe, expect, it, vi } from 'vitest';
import type { LiveEvent } from '@/api/events';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import { message, session } from '@/live/fixtures';
import { makeOld, staleKeys } from './use-cache-refresh';

describe.each(['message.created', 'message.updated'] as const)('%s', (type) => {
  const event = (media: unknown) =>
    ({
      type,
      seq: 1,
      at: '2026-03-01T12:00:00.000Z',
      data: { session: session({ id: 'ses_7' }), message: message('msg_1', { media } as never) },
    }) as LiveEvent;

  it('makes the panel of its customer old', () => {
    expect(staleKeys(event(null))).toEqual([keys.panel('ses_7')]);
  });

  it('makes lists of files old when it has one', () => {
    expect(staleKeys(event({ id: 'med_1' }))).toEqual([keys.panel('ses_7'), keys.allFiles]);
  });
});

describe('a list that was scrolled far', () => {
  const asked = async (pages: number) => {
    const cache = new QueryClient();
    const fetched = vi.fn(({ pageParam }: { pageParam: number }) => Promise.resolve(pageParam));
    const observer = new InfiniteQueryObserver(cache, {
      queryKey: [...keys.contacts, 'page'],
      queryFn: fetched,
      initialPageParam: 1,
      getNextPageParam: (page: number) => page + 1,
      meta: LONG_LIST,
    });
    const stop = observer.subscribe(() => undefined);
    await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(1));
    for (let page = 2; page <= pages; page += 1) await observer.fetchNextPage();
    fetched.mockClear();
    makeOld(cache, keys.contacts);
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop();
    return fetched.mock.calls.length;
  };

  it('is not fetched again by every event, a short one is', async () => {
    expect(await asked(2)).toBeGreaterThan(0);
    expect(await asked(9)).toBe(0);
  });
});

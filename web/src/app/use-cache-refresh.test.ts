// @vitest-environment happy-dom
import { InfiniteQueryObserver, QueryClient } from '@tanstack/react-query';
import { renderHook } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { LiveEvent } from '@/api/events';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import { resetLive, useLive } from '@/live';
import { agentUser, message, session } from '@/live/fixtures';
import { makeOld, staleKeys, useCacheRefresh } from './use-cache-refresh';

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

describe('a list that is fetching its next page', () => {
  it('gets it, and is fetched again after it', async () => {
    const cache = new QueryClient();
    const asked: number[] = [];
    let answer: () => void = () => undefined;
    const slow = vi.fn(({ pageParam, signal }: { pageParam: number; signal: AbortSignal }) => {
      asked.push(pageParam);
      if (asked.length !== 2) return Promise.resolve(pageParam);
      return new Promise<number>((resolve, reject) => {
        answer = () => resolve(pageParam);
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    });
    const observer = new InfiniteQueryObserver(cache, {
      queryKey: keys.files('all'),
      queryFn: slow,
      initialPageParam: 1,
      getNextPageParam: (page: number) => page + 1,
      retry: false,
    });
    const stop = observer.subscribe(() => undefined);
    await vi.waitFor(() => expect(observer.getCurrentResult().data?.pages).toEqual([1]));
    void observer.fetchNextPage();
    await vi.waitFor(() => expect(asked).toEqual([1, 2]));
    // However much news there is.
    makeOld(cache, keys.allFiles);
    makeOld(cache, keys.allFiles);
    answer();
    await vi.waitFor(() => expect(asked).toEqual([1, 2, 1, 2]));
    await vi.waitFor(() => expect(observer.getCurrentResult().isFetching).toBe(false));
    expect(observer.getCurrentResult().data?.pages).toEqual([1, 2]);
    stop();
  });
});

describe('a list that is being fetched again', () => {
  it.each([1, 2])(
    'is fetched again also when its next page is asked for meanwhile',
    async (news) => {
      const cache = new QueryClient();
      const asked: number[] = [];
      const slow = ({ pageParam, signal }: { pageParam: number; signal: AbortSignal }) => {
        asked.push(pageParam);
        if (asked.length === 1 || asked.length > 1 + news)
          return Promise.resolve(`${pageParam}, ${asked.length}`);
        return new Promise<string>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      };
      const observer = new InfiniteQueryObserver(cache, {
        queryKey: keys.files('all'),
        queryFn: slow,
        initialPageParam: 1,
        getNextPageParam: (_: string, pages: string[]) => pages.length + 1,
        retry: false,
      });
      const stop = observer.subscribe(() => undefined);
      await vi.waitFor(() => expect(observer.getCurrentResult().data?.pages).toEqual(['1, 1']));
      const again = Array.from({ length: news }, () => 1);
      for (const [index] of again.entries()) {
        makeOld(cache, keys.allFiles);
        await vi.waitFor(() => expect(asked).toHaveLength(2 + index));
      }
      void observer.fetchNextPage();
      await vi.waitFor(() =>
        expect(observer.getCurrentResult().data?.pages).toEqual([
          `1, ${news + 3}`,
          `2, ${news + 4}`,
        ]),
      );
      expect(asked).toEqual([1, ...again, 2, 1, 2]);
      stop();
    },
  );
});

describe('a connection', () => {
  const shown = () => {
    resetLive();
    const cache = new QueryClient();
    const asked = vi.spyOn(cache, 'invalidateQueries');
    renderHook(() => useCacheRefresh(cache));
    return asked;
  };
  const become = (status: 'connecting' | 'live' | 'offline') =>
    useLive.setState((state) => ({
      status,
      offlineSince: status === 'live' ? null : (state.offlineSince ?? 1),
    }));

  it('makes nothing old when it is the first after the page was opened', () => {
    const asked = shown();
    become('connecting');
    useLive.setState({ user: agentUser });
    become('live');
    expect(asked).not.toHaveBeenCalled();
  });

  it.each(['connecting', 'offline'] as const)(
    'makes all old after a gap (%s), long lists without fetching them again',
    (gap) => {
      const asked = shown();
      useLive.setState({ user: agentUser });
      become('live');
      become(gap);
      become('live');
      expect(asked.mock.calls.map(([filters]) => filters?.queryKey)).toEqual([[], []]);
      expect(asked.mock.calls[1]?.[0]?.refetchType).toBe('none');
    },
  );

  it('makes all old when it comes late', () => {
    const asked = shown();
    useLive.setState({ user: agentUser });
    become('offline');
    become('connecting');
    become('live');
    expect(asked).toHaveBeenCalled();
  });
});

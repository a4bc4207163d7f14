// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api } from '@/api/client';
import type { Session } from '@/api/types';
import { changeLive, resetLive, type InboxTab } from '@/live';
import { agentUser, session } from '@/live/fixtures';
import { useSessionIds, useTabCounts, useWholeTabs } from './use-session-ids';

const waiting = (from: number, count: number): Session[] =>
  Array.from({ length: count }, (_, index) =>
    session({ id: `ses_${from + index}`, state: 'waiting', agent: null }),
  );

const begins = (sessions: Session[]) =>
  changeLive((data) => ({
    ...data,
    user: { ...agentUser, role: 'supervisor' },
    sessions: Object.fromEntries(sessions.map((each) => [each.id, each])),
  }));

function counts(tab: InboxTab, client = new QueryClient()) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(
    () => {
      const found = useTabCounts();
      useWholeTabs(tab, found);
      return found;
    },
    { wrapper },
  );
}

beforeEach(() => {
  vi.spyOn(api, 'get').mockImplementation(((_: string, query: Record<string, unknown>) => {
    if (query.view !== 'waiting') return Promise.resolve({ data: [], next_cursor: null });
    return Promise.resolve(
      query.cursor === null
        ? { data: waiting(0, 100), next_cursor: 'second' }
        : query.cursor === 'second'
          ? { data: waiting(100, 100), next_cursor: 'third' }
          : { data: waiting(200, 30), next_cursor: null },
    );
  }) as never);
});

afterEach(() => resetLive());

describe('what waits', () => {
  it('is counted to the end once its tab is shown', async () => {
    begins(waiting(0, 20));
    const { result } = counts('waiting');
    await waitFor(() => expect(result.current.waiting).toBe(230));
  });

  it('is counted to the end beside another tab when the console began with a part of it', async () => {
    begins(waiting(0, 200));
    const { result } = counts('mine');
    await waitFor(() => expect(result.current.waiting).toBe(230));
  });

  it('is there again when the console has begun anew', async () => {
    begins(waiting(0, 20));
    const client = new QueryClient();
    const { result } = counts('waiting', client);
    await waitFor(() => expect(result.current.waiting).toBe(230));
    begins(waiting(0, 20));
    await waitFor(() => expect(result.current.waiting).toBe(20));
    await client.invalidateQueries();
    await waitFor(() => expect(result.current.waiting).toBe(230));
  });
});

describe('a list that is longer than what the console holds', () => {
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const soon = (from: number) =>
    Array.from({ length: 100 }, (_, index) =>
      session({
        id: `ses_${from + index}`,
        window_expires_at: inAnHour,
      }),
    );
  const pages = (_: string, query: Record<string, unknown>) =>
    Promise.resolve(
      query.cursor === null
        ? { data: soon(0), next_cursor: 'second' }
        : { data: soon(100), next_cursor: null },
    );

  const list = (tab: InboxTab, client = new QueryClient()) => {
    vi.mocked(api.get).mockImplementation(pages as never);
    const wrapper = ({ children }: { children: ReactNode }) => (
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    );
    return renderHook(() => useSessionIds(tab, '', 'latest'), { wrapper }).result;
  };

  it.each(['open', 'closing'] as const)('goes on at its end: %s', async (tab) => {
    begins([]);
    const result = list(tab);
    await waitFor(() => expect(result.current.ids).toHaveLength(100));
    act(() => result.current.more());
    await waitFor(() => expect(result.current.ids).toHaveLength(200));
    const asked = vi.mocked(api.get).mock.calls.length;
    act(() => result.current.more());
    expect(vi.mocked(api.get).mock.calls).toHaveLength(asked);
  });

  it('is there again when the console has begun anew', async () => {
    begins([]);
    const client = new QueryClient();
    const result = list('closing', client);
    await waitFor(() => expect(result.current.ids).toHaveLength(100));
    act(() => begins([]));
    await waitFor(() => expect(result.current.ids).toHaveLength(0));
    await act(() => client.invalidateQueries());
    await waitFor(() => expect(result.current.ids).toHaveLength(100));
  });
});

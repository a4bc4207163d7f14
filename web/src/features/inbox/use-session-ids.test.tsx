// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api } from '@/api/client';
import type { Session } from '@/api/types';
import { changeLive, resetLive, type InboxTab } from '@/live';
import { agentUser, session } from '@/live/fixtures';
import { useTabCounts, useWholeTabs } from './use-session-ids';

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

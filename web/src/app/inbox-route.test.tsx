// @vitest-environment happy-dom
import { QueryClient } from '@tanstack/react-query';
import { Outlet, RouterProvider } from '@tanstack/react-router';
import { act, render, screen, waitFor } from '@testing-library/react';
import { useState } from 'react';
import { expect, it, vi } from 'vitest';
import { keys } from '@/api/query-keys';
import { createConsoleRouter } from './router';

vi.mock('./Shell', () => ({ Shell: () => <Outlet /> }));

let mounted = 0;
vi.mock('./InboxPage', () => ({
  InboxPage: function Page({ sessionId }: { sessionId: string | null }) {
    const [number] = useState(() => (mounted += 1));
    return (
      <p data-testid="page">
        {sessionId ?? 'none'} {number}
      </p>
    );
  },
}));

it('keeps the list of the inbox as it is when a conversation is opened and left', async () => {
  const queryClient = new QueryClient();
  queryClient.setQueryData(keys.me, { user: { role: 'agent' } });
  window.history.replaceState(null, '', '/inbox');
  const router = createConsoleRouter(queryClient);
  render(<RouterProvider router={router} />);
  const shows = (text: string) =>
    waitFor(() => expect(screen.getByTestId('page').textContent).toBe(text));
  await shows('none 1');
  await act(() => router.navigate({ to: '/inbox/$sessionId', params: { sessionId: 'ses_1' } }));
  await shows('ses_1 1');
  await act(() => router.navigate({ to: '/inbox' }));
  await shows('none 1');
});

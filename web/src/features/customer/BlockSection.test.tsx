// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import type { CustomerPanel } from '@/api/types';
import { changeLive, resetLive } from '@/live';
import { agentUser, session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { BlockSection } from './BlockSection';

afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

it('says that a customer can write whom WhatsApp still blocks, and lets one try again or block', async () => {
  const sent: { method: string; path: string }[] = [];
  vi.stubGlobal('fetch', (path: string, { method }: { method: string }) => {
    sent.push({ method, path });
    return Promise.resolve(Response.json(session()));
  });
  changeLive((data) => ({ ...data, user: { ...agentUser, role: 'supervisor' } }));
  const block = {
    messaging_user_id: 'mu_1',
    state: 'unblock_failed',
    failure: 'The number is not registered.',
    reason: 'Insults',
  };
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <BlockSection session={session()} panel={{ block } as unknown as CustomerPanel} />
      </AppTheme>
    </QueryClientProvider>,
  );
  expect(screen.getByText('Free to write; WhatsApp still blocks.')).toBeTruthy();
  expect(screen.getByText('The number is not registered.')).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() =>
    expect(sent).toEqual([{ method: 'DELETE', path: '/api/v1/customer-blocks/mu_1' }]),
  );
  await userEvent.click(screen.getByRole('button', { name: 'Block' }));
  await userEvent.type(await screen.findByTestId('block-reason'), 'Again');
  await userEvent.click(screen.getByTestId('block-confirm'));
  await waitFor(() => expect(sent.at(-1)?.path).toBe('/api/v1/sessions/ses_1/block'));
});

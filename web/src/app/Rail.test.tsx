// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { expect, it, vi } from 'vitest';
import { api } from '@/api/client';
import type { Workspace } from '@/api/types';
import { attachmentsOf, useAttachments } from '@/features/conversation/attachments';
import { agentUser } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { Rail } from './Rail';

const navigate = vi.hoisted(() => vi.fn());

vi.mock('@tanstack/react-router', async (original) => ({
  ...(await original<object>()),
  Link: ({ children }: { children: ReactNode }) => <a href="#there">{children}</a>,
  useNavigate: () => navigate,
  useRouterState: () => '/inbox',
}));

it('leaves no file of the user behind when they sign out', async () => {
  vi.spyOn(api, 'post').mockResolvedValue(undefined);
  const file = new File(['x'], 'offer.gif', { type: 'image/gif' });
  useAttachments.setState({
    bySession: {
      ses_1: [{ id: '1', file, preview: null, state: { is: 'refused', reason: 'No GIFs.' } }],
    },
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <Rail
          user={agentUser}
          workspace={{ name: 'Acme' } as Workspace}
          onPalette={() => undefined}
        />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByTestId('account-menu'));
  await userEvent.click(await screen.findByTestId('sign-out'));
  await waitFor(() => expect(navigate).toHaveBeenCalled());
  expect(attachmentsOf(useAttachments.getState(), 'ses_1')).toEqual([]);
});

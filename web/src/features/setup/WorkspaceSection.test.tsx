// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import type { Workspace } from '@/api/types';
import { isLostByClosing, lostByLeaving } from '@/lib/unsaved';
import { changeLive, resetLive } from '@/live';
import { AppTheme } from '@/ui';
import { WorkspaceSection } from './WorkspaceSection';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#policy">{children}</a>,
}));

afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

const show = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <WorkspaceSection />
      </AppTheme>
    </QueryClientProvider>,
  );

const workspace: Workspace = {
  id: 'wsp_1',
  name: 'Acme',
  time_zone: 'Europe/Berlin',
  country: 'DE',
  quiet_hours: { start: '21:00', end: '08:00' },
  language: 'de',
  erase_transcripts: false,
};

it('sends what was changed alone, and shows what was saved when it is opened again', async () => {
  let stored = workspace;
  changeLive((data) => ({ ...data, workspace }));
  const sent: unknown[] = [];
  vi.stubGlobal('fetch', (_: string, init: { body?: string }) => {
    const change = JSON.parse(init.body ?? '{}') as Partial<Workspace>;
    sent.push(change);
    // Somebody else has changed the language meanwhile.
    stored = { ...stored, language: 'en', ...change };
    return Promise.resolve(Response.json(stored));
  });
  const first = show();
  await userEvent.clear(screen.getByLabelText('Name'));
  await userEvent.type(screen.getByLabelText('Name'), 'Acme Tents');
  await userEvent.click(screen.getByTestId('workspace-save'));
  await waitFor(() => expect(sent).toEqual([{ name: 'Acme Tents' }]));
  first.unmount();
  show();
  expect((screen.getByLabelText('Name') as HTMLInputElement).value).toBe('Acme Tents');
  await userEvent.click(screen.getByRole('checkbox'));
  await userEvent.click(screen.getByTestId('workspace-save'));
  await waitFor(() => expect(sent.at(-1)).toEqual({ erase_transcripts: true }));
});

it('is asked about while it is being saved only when the window closes', async () => {
  changeLive((data) => ({ ...data, workspace }));
  let answer: (response: Response) => void = () => undefined;
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)));
  show();
  await userEvent.type(screen.getByLabelText('Name'), ' Tents');
  expect(lostByLeaving()).toHaveLength(1);
  await userEvent.click(screen.getByTestId('workspace-save'));
  expect(lostByLeaving()).toEqual([]);
  expect(isLostByClosing()).toBe(true);
  answer(Response.json({ ...workspace, name: 'Acme Tents' }));
  await waitFor(() => expect(isLostByClosing()).toBe(false));
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { changeLive, resetLive } from '@/live';
import { agentUser } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { keepSearch } from './address';
import { ContactRoute } from './ContactRoute';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children, search }: { children: ReactNode; search?: object }) => (
    <a href={`#contacts ${JSON.stringify(search ?? {})}`}>{children}</a>
  ),
  useParams: () => ({ contactId: 'con_1' }),
}));
vi.mock('./AddressesCard', () => ({ AddressesCard: () => null }));
vi.mock('./ConsentCard', () => ({ ConsentCard: () => null }));
vi.mock('./ReachCard', () => ({ ReachCard: () => null }));
vi.mock('./StandingCard', () => ({ StandingCard: () => null }));
vi.mock('./TextsCard', () => ({ TextsCard: () => null }));

afterEach(() => {
  vi.unstubAllGlobals();
  resetLive();
});

it('lets an agent write first to a contact without a number, who is known by WhatsApp', async () => {
  changeLive((data) => ({ ...data, user: agentUser }));
  const contact = {
    id: 'con_1',
    phone: null,
    first_name: 'Maria',
    attributes: {},
    created_at: '2026-11-01T10:00:00Z',
  };
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      Response.json(url.endsWith('/contacts/con_1') ? contact : { data: [], next_cursor: null }),
    ),
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactRoute />
      </AppTheme>
    </QueryClientProvider>,
  );
  expect(await screen.findByTestId('contact-start')).toBeTruthy();
});

it.each([
  [agentUser.id, '#contacts {"q":"Ana","list":"lst_1"}'],
  ['usr_other', '#contacts {}'],
])('leads back to the list as it was left, of the same user alone (%s)', async (user, href) => {
  changeLive((data) => ({ ...data, user: agentUser }));
  keepSearch(user, { q: 'Ana', list: 'lst_1' });
  vi.stubGlobal('fetch', () => new Promise(() => undefined));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactRoute />
      </AppTheme>
    </QueryClientProvider>,
  );
  expect((await screen.findByText('← Contacts')).getAttribute('href')).toBe(href);
});

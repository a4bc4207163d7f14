// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ConsentRoute } from './ConsentRoute';

vi.mock('@tanstack/react-router', () => ({
  useNavigate: () => vi.fn(),
  useParams: () => ({ section: 'words' }),
}));
vi.mock('./WordsSection', () => ({ WordsSection: () => null }));

afterEach(() => vi.unstubAllGlobals());

it.each([
  [null, 'To review2'],
  ['more', 'To review2+'],
])('says when there are more to review than the first page has (%s)', async (next, words) => {
  const page = { data: [{ id: 'crv_1' }, { id: 'crv_2' }], next_cursor: next };
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(page)));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ConsentRoute />
      </AppTheme>
    </QueryClientProvider>,
  );
  await waitFor(() => expect(screen.getByTestId('consent-reviews').textContent).toBe(words));
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ConsentDialog } from './ConsentDialog';

afterEach(() => vi.unstubAllGlobals());

describe('ConsentDialog', () => {
  it('says when the templates cannot be read, and reads them when asked again', async () => {
    let down = true;
    vi.stubGlobal('fetch', () =>
      Promise.resolve(
        down
          ? Response.json({ title: 'Busy', detail: 'The database is away.' }, { status: 503 })
          : Response.json({ data: [{ name: 'spring', category: 'MARKETING' }] }),
      ),
    );
    const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
    render(
      <QueryClientProvider client={cache}>
        <AppTheme>
          <ConsentDialog contactId="con_1" onClose={() => undefined} />
        </AppTheme>
      </QueryClientProvider>,
    );
    await userEvent.selectOptions(screen.getByTestId('consent-channel'), 'whatsapp');
    await userEvent.selectOptions(screen.getByTestId('consent-about'), 'template');
    await screen.findByText(/The database is away/);
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await screen.findByTestId('consent-template');
    expect(screen.queryByText(/The database is away/)).toBeNull();
  });
});

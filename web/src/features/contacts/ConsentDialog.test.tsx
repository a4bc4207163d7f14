// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ConsentDialog } from './ConsentDialog';

afterEach(() => vi.unstubAllGlobals());

const FURTHER = [
  { kind: 'email', address: 'ana@work.example', priority: 1 },
  { kind: 'phone', address: '+15550100002', priority: 2 },
];

interface Served {
  phone?: string | null;
  further?: () => Response;
  templates?: () => Response;
}

const list = (data: unknown[]) => Response.json({ data, next_cursor: null });

/** Shows the dialog over a contact; gives what was sent. */
function shown({ phone = '+15550100001', further, templates }: Served = {}) {
  const sent: Record<string, unknown>[] = [];
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    if (init.method === 'POST') {
      sent.push(JSON.parse(init.body ?? '{}') as Record<string, unknown>);
      return Promise.resolve(Response.json({}));
    }
    if (url.includes('/templates')) return Promise.resolve(templates?.() ?? list([]));
    if (url.endsWith('/addresses')) return Promise.resolve(further?.() ?? list([]));
    return Promise.resolve(Response.json({ id: 'con_1', phone }));
  });
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <ConsentDialog contactId="con_1" onClose={() => undefined} />
      </AppTheme>
    </QueryClientProvider>,
  );
  return sent;
}

const save = () => screen.getByTestId('consent-save');
const isReady = () => waitFor(() => expect(save().hasAttribute('disabled')).toBe(false));

const BUSY = () =>
  Response.json({ title: 'Busy', detail: 'The database is away.' }, { status: 503 });

describe('ConsentDialog', () => {
  it('says when the templates cannot be read, and reads them when asked again', async () => {
    let down = true;
    shown({
      templates: () => (down ? BUSY() : list([{ name: 'spring', category: 'MARKETING' }])),
    });
    await userEvent.selectOptions(screen.getByTestId('consent-channel'), 'whatsapp');
    await userEvent.selectOptions(screen.getByTestId('consent-about'), 'template');
    await screen.findByText(/The database is away/);
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await screen.findByTestId('consent-template');
    expect(screen.queryByText(/The database is away/)).toBeNull();
  });

  it('offers the numbers of the contact, and records what is said about the chosen one', async () => {
    const sent = shown({ further: () => list(FURTHER) });
    const number = await screen.findByTestId<HTMLSelectElement>('consent-number');
    expect([...number.options].map((each) => each.value)).toEqual(['+15550100001', '+15550100002']);
    await userEvent.selectOptions(number, '+15550100002');
    await userEvent.type(screen.getByTestId('consent-wording'), 'Yes');
    await userEvent.click(save());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ address: '+15550100002', action: 'grant', wording: 'Yes' });
  });

  it('asks for no number where there is one alone', async () => {
    const sent = shown({ phone: null, further: () => list(FURTHER) });
    await isReady();
    expect(screen.queryByTestId('consent-number')).toBeNull();
    await userEvent.click(save());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).not.toHaveProperty('address');
  });

  it('records nothing before the numbers are known, and says when they cannot be read', async () => {
    let down = true;
    const sent = shown({ further: () => (down ? BUSY() : list(FURTHER)) });
    expect(save().hasAttribute('disabled')).toBe(true);
    await screen.findByText(/The database is away/);
    await userEvent.click(save());
    expect(sent).toEqual([]);
    down = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await screen.findByTestId('consent-number');
    await isReady();
  });

  it('is held back while its end is half typed, and ends with the day that was typed', async () => {
    const sent = shown();
    await isReady();
    const end = screen.getByTestId<HTMLInputElement>('consent-expires');
    vi.spyOn(end, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
    fireEvent.blur(end);
    screen.getByText(/no whole date yet/);
    await userEvent.click(save());
    expect(sent).toEqual([]);
    vi.spyOn(end, 'validity', 'get').mockReturnValue({ badInput: false } as ValidityState);
    fireEvent.change(end, { target: { value: '2027-03-01' } });
    await userEvent.click(save());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.expires_at).toBe(new Date('2027-03-01T23:59:59').toISOString());
  });

  it('ends nothing but a consent', async () => {
    const sent = shown();
    await isReady();
    fireEvent.change(screen.getByTestId('consent-expires'), { target: { value: '2027-03-01' } });
    await userEvent.selectOptions(screen.getByTestId('consent-action'), 'revoke');
    await userEvent.click(save());
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).not.toHaveProperty('expires_at');
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import type { Contact } from '@/api/types';
import { AppTheme } from '@/ui';
import { ContactDialog } from './ContactDialog';

afterEach(() => vi.unstubAllGlobals());

const CONTACT = {
  id: 'con_1',
  phone: '+15550100123',
  first_name: 'Maria',
  last_name: 'Lopez',
  email: null,
  external_key: 'crm-7',
  attributes: { city: 'Lima' },
} as unknown as Contact;

const LIMA = { name: 'city', label: 'City', kind: 'text', choices: [] };

async function saved(field: string, text: string) {
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', (_: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET')
      return Promise.resolve(Response.json({ data: [LIMA], next_cursor: null }));
    bodies.push(JSON.parse(init.body ?? '{}'));
    return Promise.resolve(Response.json(CONTACT));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactDialog contact={CONTACT} onClose={vi.fn()} onSaved={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
  const input = await screen.findByLabelText(field);
  await userEvent.clear(input);
  if (text !== '') await userEvent.type(input, text);
  await userEvent.click(screen.getByTestId('contact-save'));
  await waitFor(() => expect(bodies).toHaveLength(1));
  return bodies[0];
}

it('sends only what was changed', async () => {
  expect(await saved('Last name', 'Garcia')).toEqual({ last_name: 'Garcia' });
});

it('sends what was emptied as nothing, and own fields by their name', async () => {
  expect(await saved('External key', '')).toEqual({ external_key: null });
  document.body.replaceChildren();
  expect(await saved('City', 'Cusco')).toEqual({ attributes: { city: 'Cusco' } });
});

it('is not saved while a date is half typed, and then with the date', async () => {
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', (_: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET') {
      const birthday = { name: 'birthday', label: 'Birthday', kind: 'date', choices: [] };
      return Promise.resolve(Response.json({ data: [birthday], next_cursor: null }));
    }
    bodies.push(JSON.parse(init.body ?? '{}'));
    return Promise.resolve(Response.json(CONTACT));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <ContactDialog contact={CONTACT} onClose={vi.fn()} onSaved={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
  const day = await screen.findByLabelText<HTMLInputElement>('Birthday');
  const typed = vi.spyOn(day, 'validity', 'get');
  typed.mockReturnValue({ badInput: true } as ValidityState);
  fireEvent.blur(day);
  screen.getByText(/no whole date yet/);
  expect(screen.getByTestId('contact-save')).toHaveProperty('disabled', true);
  typed.mockReturnValue({ badInput: false } as ValidityState);
  fireEvent.change(day, { target: { value: '1990-05-01' } });
  await userEvent.click(screen.getByTestId('contact-save'));
  await waitFor(() => expect(bodies).toEqual([{ attributes: { birthday: '1990-05-01' } }]));
});

it('says when its own fields cannot be read', async () => {
  vi.stubGlobal('fetch', () =>
    Promise.resolve(
      Response.json({ title: 'Busy', detail: 'The database is away.' }, { status: 503 }),
    ),
  );
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <ContactDialog contact={CONTACT} onClose={vi.fn()} onSaved={vi.fn()} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText(/The database is away/);
});

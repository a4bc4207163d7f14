// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { AddressesCard } from './AddressesCard';

afterEach(() => vi.unstubAllGlobals());

const address = (text: string) => ({ kind: 'email', address: text });

/** Shows three addresses; changes are answered one after the other, when the test says so. */
async function shown() {
  const puts: { addresses: unknown; answer: () => void }[] = [];
  vi.stubGlobal('fetch', (_: string, init: { method: string; body?: string }) => {
    const all = ['a@x.org', 'b@x.org', 'c@x.org'].map(address);
    if (init.method === 'GET') return Promise.resolve(Response.json({ data: all }));
    const { addresses } = JSON.parse(init.body ?? '{}') as { addresses: unknown };
    return new Promise((resolve) =>
      puts.push({ addresses, answer: () => resolve(Response.json({ data: addresses })) }),
    );
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <AddressesCard contactId="con_1" />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByText('c@x.org');
  return puts;
}

it('takes one change at a time, so that what was removed stays removed', async () => {
  const puts = await shown();
  await userEvent.click(screen.getByLabelText('Remove a@x.org'));
  await userEvent.click(screen.getByLabelText('Remove b@x.org'));
  expect(puts).toHaveLength(1);
  puts[0]?.answer();
  await waitFor(() => expect(screen.queryByText('a@x.org')).toBeNull());
  await userEvent.click(screen.getByLabelText('Remove b@x.org'));
  await waitFor(() => expect(puts[1]?.addresses).toEqual([address('c@x.org')]));
  puts[1]?.answer();
  await waitFor(() => expect(screen.queryByText('b@x.org')).toBeNull());
});

it('empties the field only for what was added', async () => {
  const puts = await shown();
  const field = screen.getByTestId<HTMLInputElement>('address-text');
  await userEvent.type(field, 'd@x.org');
  await userEvent.click(screen.getByLabelText('Try b@x.org earlier'));
  puts[0]?.answer();
  await waitFor(() => expect(screen.queryByLabelText('Try b@x.org earlier')).toBeNull());
  expect(field.value).toBe('d@x.org');
  await waitFor(() =>
    expect(screen.getByTestId<HTMLButtonElement>('address-add').disabled).toBe(false),
  );
  await userEvent.selectOptions(screen.getByLabelText('Kind of address'), 'email');
  await userEvent.click(screen.getByTestId('address-add'));
  puts[1]?.answer();
  await screen.findByText('d@x.org');
  expect(field.value).toBe('');
});

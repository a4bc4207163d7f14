// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import type { Contact } from '@/api/types';
import { AppTheme } from '@/ui';
import { BulkBar } from './BulkBar';

afterEach(() => vi.unstubAllGlobals());

it('puts contacts on the new list that an attempt before has made', async () => {
  const sent: string[] = [];
  let down = true;
  vi.stubGlobal('fetch', (url: string) => {
    const path = url.replace('/api/v1', '');
    sent.push(path);
    if (path === '/lists') return Promise.resolve(Response.json({ id: 'lst_9' }));
    const problem = { title: 'Busy', detail: 'The database is away.' };
    return Promise.resolve(
      down ? Response.json(problem, { status: 503 }) : Response.json({ changed: 1 }),
    );
  });
  const onDone = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <BulkBar selected={[{ id: 'con_1' } as Contact]} lists={[]} onDone={onDone} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByTestId('bulk-add'));
  await userEvent.type(await screen.findByTestId('bulk-list-name'), 'Spring');
  await userEvent.click(screen.getByTestId('bulk-list-save'));
  await waitFor(() => expect(sent).toEqual(['/lists', '/lists/lst_9/members']));
  down = false;
  await waitFor(() =>
    expect(screen.getByTestId('bulk-list-save').hasAttribute('data-loading')).toBe(false),
  );
  await userEvent.click(screen.getByTestId('bulk-list-save'));
  await waitFor(() => expect(onDone).toHaveBeenCalled());
  expect(sent).toEqual(['/lists', '/lists/lst_9/members', '/lists/lst_9/members']);
});

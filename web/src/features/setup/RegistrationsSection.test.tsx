// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Registration } from '@/api/sender-types';
import { isLostByClosing } from '@/lib/unsaved';
import { AppTheme } from '@/ui';
import { RegistrationsSection } from './RegistrationsSection';

vi.mock('./use-may-manage', () => ({ useMayManage: () => true }));

afterEach(() => vi.unstubAllGlobals());

const rejected: Registration = {
  id: 'reg_1',
  kind: 'brand',
  name: 'Acme Inc.',
  country: null,
  parent_id: null,
  reference: null,
  state: 'rejected',
  note: 'The company name does not match.',
  submitted_at: '2026-11-20T10:00:00Z',
  decided_at: '2026-11-25T10:00:00Z',
  expires_at: null,
  created_at: '2026-11-19T10:00:00Z',
  segments_per_minute: null,
  segments_per_day: 2000,
  history: [
    { state: 'draft', note: null, actor: 'user', at: '2026-11-19T10:00:00Z' },
    { state: 'rejected', note: 'No match', actor: 'user', at: '2026-11-25T10:00:00Z' },
  ],
  next: ['draft', 'submitted'],
  advice: 'Correct what the registry objected to and submit it again.',
  expected_at: null,
};

function show(shown = rejected) {
  const sent: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (path: string, init: { method: string; body?: string }) => {
    if (init.method === 'GET')
      return Promise.resolve(Response.json({ data: [shown], next_cursor: null }));
    sent.push({ method: init.method, path, body: JSON.parse(init.body ?? '{}') });
    return Promise.resolve(Response.json(shown));
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <RegistrationsSection />
      </AppTheme>
    </QueryClientProvider>,
  );
  return sent;
}

describe('RegistrationsSection', () => {
  it('says what to do about a rejection, and records only the steps that may follow', async () => {
    const sent = show();
    await screen.findByText(rejected.advice);
    expect(screen.getByText(rejected.note ?? '')).toBeTruthy();
    await userEvent.click(screen.getByTestId('registration'));
    expect(screen.queryByTestId('step-approved')).toBeNull();
    await userEvent.click(await screen.findByTestId('step-submitted'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.path).toContain('/registrations/reg_1/step');
    expect(sent[0]?.body).toEqual({ state: 'submitted' });
  });

  it('approves until the end of the day that is named', async () => {
    const sent = show({ ...rejected, state: 'submitted', next: ['approved'] });
    await userEvent.click(await screen.findByTestId('registration'));
    fireEvent.change(await screen.findByLabelText('Approved until'), {
      target: { value: '2027-07-01' },
    });
    await userEvent.click(screen.getByTestId('step-approved'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toEqual({
      state: 'approved',
      expires_at: new Date('2027-07-02T00:00').toISOString(),
    });
  });

  it('does not approve without an end while one is half typed', async () => {
    show({ ...rejected, state: 'submitted', next: ['approved'] });
    await userEvent.click(await screen.findByTestId('registration'));
    const field = await screen.findByLabelText<HTMLInputElement>('Approved until');
    fireEvent.change(field, { target: { value: '2027-07-01' } });
    vi.spyOn(field, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
    fireEvent.change(field, { target: { value: '' } });
    expect(screen.getByText(/no whole date yet/)).toBeTruthy();
    expect(screen.getByTestId('step-approved')).toHaveProperty('disabled', true);
  });

  it('keeps a note while the limit is looked at, and has nothing to lose once a step is recorded', async () => {
    const sent = show();
    await userEvent.click(await screen.findByTestId('registration'));
    await userEvent.click(await screen.findByTestId('limit-open'));
    await screen.findByTestId('limit-save');
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByTestId('limit-save')).toBeNull());
    await userEvent.type(screen.getByLabelText('Note'), 'Sent again');
    await userEvent.click(screen.getByTestId('limit-open'));
    await userEvent.click(await screen.findByText('Cancel'));
    await waitFor(() => expect(screen.queryByTestId('limit-save')).toBeNull());
    expect(screen.getByLabelText<HTMLInputElement>('Note').value).toBe('Sent again');
    expect(isLostByClosing()).toBe(true);
    await userEvent.click(screen.getByTestId('step-submitted'));
    await waitFor(() => expect(sent[0]?.body).toEqual({ state: 'submitted', note: 'Sent again' }));
    await waitFor(() => expect(isLostByClosing()).toBe(false));
  });

  it('changes the limit of a brand and leaves the other alone', async () => {
    const sent = show();
    await userEvent.click(await screen.findByTestId('registration'));
    await userEvent.click(await screen.findByTestId('limit-open'));
    const field = await screen.findByLabelText('Segments a day');
    await userEvent.clear(field);
    await userEvent.type(field, '10000');
    await userEvent.click(screen.getByTestId('limit-save'));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({
      method: 'PUT',
      body: { segments_per_minute: null, segments_per_day: 10000 },
    });
  });
});

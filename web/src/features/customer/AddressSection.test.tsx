// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CustomerMerge } from '@/api/identity-types';
import type { CustomerPanel, Session } from '@/api/types';
import { AppTheme } from '@/ui';
import { AddressSection } from './AddressSection';

function offersToPart(merge: Partial<CustomerMerge>): boolean {
  const panel = {
    other_addresses: [],
    customer_merges: [
      { id: 'mrg_1', merged_at: '2026-11-27T12:00:00Z', unmerged_at: null, ...merge },
    ],
  } as unknown as CustomerPanel;
  const session = { id: 'ses_1', agent: null } as unknown as Session;
  const view = render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <AddressSection session={session} panel={panel} />
      </AppTheme>
    </QueryClientProvider>,
  );
  expect(screen.getByTestId('customer-merge')).toBeDefined();
  const offered = screen.queryByTestId('part-customers') !== null;
  view.unmount();
  return offered;
}

afterEach(() => vi.unstubAllGlobals());

describe('AddressSection', () => {
  it('offers to part customers where they would stay two', () => {
    expect(offersToPart({ actor: 'usr_1', can_part: true })).toBe(true);
    expect(offersToPart({ actor: 'system', can_part: true })).toBe(true);
    expect(offersToPart({ actor: 'system', can_part: false })).toBe(false);
  });

  it('keeps the question open when merging failed', async () => {
    vi.stubGlobal('fetch', () =>
      Promise.resolve(Response.json({ title: 'Busy', detail: 'Try later.' }, { status: 409 })),
    );
    const other = { messaging_user_id: 'mu_2', session_id: null, channel_id: 'chn_1', name: 'Ana' };
    render(
      <QueryClientProvider client={new QueryClient()}>
        <AppTheme>
          <AddressSection
            session={{ id: 'ses_1', channel_id: 'chn_1', customer: { name: 'Maria' } } as Session}
            panel={{ other_addresses: [other], customer_merges: [] } as unknown as CustomerPanel}
          />
        </AppTheme>
      </QueryClientProvider>,
    );
    await userEvent.click(screen.getByTestId('merge-customer'));
    await userEvent.click(await screen.findByTestId('merge-dialog'));
    await screen.findByText(/Try later/);
    expect(screen.getByTestId('merge-dialog')).toBeTruthy();
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
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

describe('AddressSection', () => {
  it('offers to part customers where they would stay two', () => {
    expect(offersToPart({ actor: 'usr_1', can_part: true })).toBe(true);
    expect(offersToPart({ actor: 'system', can_part: true })).toBe(true);
    expect(offersToPart({ actor: 'system', can_part: false })).toBe(false);
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/errors';
import type { Campaign } from '@/api/types';
import { AppTheme, notify } from '@/ui';
import { ReviewDialog } from './ReviewDialog';

const api = vi.hoisted(() => ({ reviewCampaign: vi.fn() }));
vi.mock('./api', async (original) => ({
  ...(await original<object>()),
  ...api,
}));

const shown = (version: number, onClose: () => void) => (
  <AppTheme>
    <QueryClientProvider client={new QueryClient()}>
      <ReviewDialog
        campaign={{ id: 'cmp_1', version } as unknown as Campaign}
        verdict="approve"
        onClose={onClose}
      />
    </QueryClientProvider>
  </AppTheme>
);

describe('an approval', () => {
  it('is held to the version that was on the page, and says when there is another one', async () => {
    const told = vi.spyOn(notify, 'problem').mockImplementation(() => undefined);
    api.reviewCampaign.mockRejectedValueOnce(new ApiError(409, { code: 'changed_meanwhile' }));
    const close = vi.fn();
    const { rerender } = render(shown(3, close));
    // The page behind the dialog is loaded anew.
    rerender(shown(5, close));
    await userEvent.setup().click(screen.getByTestId('confirm-review'));
    expect(api.reviewCampaign).toHaveBeenCalledWith('cmp_1', 'approve', {
      comment: '',
      version: 3,
    });
    await vi.waitFor(() => expect(close).toHaveBeenCalled());
    expect(told.mock.lastCall?.[0]).toContain('changed since you opened it');
  });
});

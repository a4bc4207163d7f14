// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import type { Campaign } from '@/api/types';
import { AppTheme } from '@/ui';
import { AudienceCard, usePreview } from './AudienceCard';

afterEach(() => vi.unstubAllGlobals());

const segments = { min: 1, typical: 1, max: 1, encoding: 'gsm7' };
const preview = { audience: 5000, sendable: 4000, excluded: [], held: [], segments, sample: null };

function Card({ mms }: { mms: boolean }) {
  return <AudienceCard preview={usePreview({ id: 'cmp_1', version: 1 } as Campaign)} mms={mms} />;
}

function shown(mms: boolean, mms_price: number | null) {
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(
      Response.json(url.includes('settings') ? { currency: 'USD', mms_price } : preview),
    ),
  );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <Card mms={mms} />
      </AppTheme>
    </QueryClientProvider>,
  );
}

it('counts messages with files as MMS, at what is entered for those', async () => {
  shown(true, 2000);
  await screen.findByText('1 MMS per person, 4,000 in all, about $80.00.');
  expect(screen.queryByText(/SMS/)).toBeNull();
  cleanup();
  shown(true, null);
  await screen.findByText(/4,000 in all; its price is not entered under Setup\./);
  cleanup();
  shown(false, 2000);
  await screen.findByText('1 SMS per person, about 4,000 in all.');
});

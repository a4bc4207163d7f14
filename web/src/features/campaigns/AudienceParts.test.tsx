// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { AudienceParts } from './AudienceParts';
import type { Sources } from './use-sources';
import { EMPTY_INPUT } from './words';

afterEach(() => vi.unstubAllGlobals());

const campaigns = Array.from({ length: 60 }, (_, n) => ({
  id: `cmp_${n}`,
  name: `Campaign ${n}`,
  started_at: '2026-01-01T00:00:00Z',
})).reverse();

/** Shows the parts with these campaigns left out; the list comes in pages of 50, newest first. */
function shown(left_out: string[]) {
  vi.stubGlobal('fetch', (url: string) => {
    const path = url.replace('/api/v1', '');
    if (path.startsWith('/campaigns?')) {
      const from = path.includes('cursor=next') ? 50 : 0;
      const data = campaigns.slice(from, from + 50);
      return Promise.resolve(Response.json({ data, next_cursor: from === 0 ? 'next' : null }));
    }
    const found = campaigns.find((each) => path === `/campaigns/${each.id}`);
    return Promise.resolve(
      found === undefined
        ? Response.json({ title: 'None' }, { status: 404 })
        : Response.json(found),
    );
  });
  const sources = {
    lists: [],
    segments: [],
    tables: [],
    all: { lists: false, segments: true, tables: true },
  } as unknown as Sources;
  const Around = () => {
    const [audience, setAudience] = useState({
      ...EMPTY_INPUT.audience,
      exclude_campaigns: left_out,
      exclude_lists: ['lst_1'],
      exclude_segments: ['seg_1'],
    });
    return (
      <AudienceParts
        audience={audience}
        onChange={(next) => setAudience({ ...audience, ...next } as typeof audience)}
        sources={sources}
      />
    );
  };
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <Around />
      </AppTheme>
    </QueryClientProvider>,
  );
}

const chip = (part: string) => screen.getByTestId(`audience-${part}`).textContent;

describe('who is left out', () => {
  it('reads its name also where the campaign is older than the first page', async () => {
    shown(['cmp_0']);
    expect(chip('exclude_campaigns')).toContain('…');
    await waitFor(() => expect(chip('exclude_campaigns')).toContain('Campaign 0'));
  });

  it('reads “Deleted” only where it is known to be gone', async () => {
    shown(['cmp_gone']);
    expect(chip('exclude_campaigns')).not.toContain('Deleted');
    await waitFor(() => expect(chip('exclude_campaigns')).toContain('Deleted'));
    expect(chip('exclude_lists')).toContain('…');
    expect(chip('exclude_segments')).toContain('Deleted');
  });

  it('is chosen among older campaigns, too', async () => {
    shown([]);
    const choice = screen.getByTestId('audience-exclude');
    await screen.findByText('Show older campaigns…');
    await userEvent.selectOptions(choice, 'Show older campaigns…');
    await screen.findByText('Campaign 3');
    await userEvent.selectOptions(choice, 'Campaign 3');
    expect(chip('exclude_campaigns')).toContain('Campaign 3');
  });
});

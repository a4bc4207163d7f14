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

const segments = Array.from({ length: 60 }, (_, n) => ({ id: `seg_${n}`, name: `Segment ${n}` }));

const LISTS = [
  { path: '/campaigns', all: campaigns },
  { path: '/segments', all: segments },
];

/** Shows the parts with these campaigns left out; lists come in pages of 50. */
function shown(left_out: string[], segment = 'seg_gone') {
  vi.stubGlobal('fetch', (url: string) => {
    const path = url.replace('/api/v1', '');
    const list = LISTS.find((each) => path.startsWith(`${each.path}?`));
    if (list !== undefined) {
      const from = path.includes('cursor=next') ? 50 : 0;
      const data = list.all.slice(from, from + 50);
      return Promise.resolve(Response.json({ data, next_cursor: from === 0 ? 'next' : null }));
    }
    const found = LISTS.flatMap(({ path: of, all }) =>
      all.filter((each) => path === `${of}/${each.id}`),
    )[0];
    return Promise.resolve(
      found === undefined
        ? Response.json({ title: 'None' }, { status: 404 })
        : Response.json(found),
    );
  });
  const sources = {
    lists: [],
    tables: [],
    all: { lists: false, tables: true },
  } as unknown as Sources;
  const Around = () => {
    const [audience, setAudience] = useState({
      ...EMPTY_INPUT.audience,
      exclude_campaigns: left_out,
      exclude_lists: ['lst_1'],
      exclude_segments: [segment],
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
    await waitFor(() => expect(chip('exclude_segments')).toContain('Deleted'));
  });

  it('reads the name of a segment that is far down the list', async () => {
    shown([], 'seg_55');
    expect(chip('exclude_segments')).toContain('…');
    await waitFor(() => expect(chip('exclude_segments')).toContain('Segment 55'));
  });

  it('is chosen among all segments, too', async () => {
    shown([]);
    await userEvent.click(screen.getByTestId('audience-include'));
    await userEvent.click(await screen.findByRole('option', { name: 'Show more' }));
    await waitFor(() => expect(screen.queryByRole('option', { name: 'Show more' })).toBeNull());
    // Of long lists a part is shown; a name is found wherever it is.
    await userEvent.keyboard('53');
    await userEvent.click(await screen.findByRole('option', { name: 'Segment 53' }));
    expect(chip('segments')).toContain('Segment 53');
    await userEvent.type(screen.getByTestId('audience-include'), '53');
    await screen.findByText('Nothing matches “53”.');
  });

  it('is chosen among older campaigns, too', async () => {
    shown([]);
    // What is typed is looked for in all of them, without asking for more.
    await userEvent.type(screen.getByTestId('audience-exclude'), 'campaign 3');
    await userEvent.click(await screen.findByRole('option', { name: 'Campaign 3' }));
    expect(chip('exclude_campaigns')).toContain('Campaign 3');
  });
});

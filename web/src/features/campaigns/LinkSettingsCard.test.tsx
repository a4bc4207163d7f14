// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CampaignLinks } from '@/api/link-types';
import type { Campaign } from '@/api/types';
import { AppTheme, type Typed } from '@/ui';
import { DraftEditor } from './DraftEditor';
import { EMPTY_INPUT } from './words';

// The rest of the form is large and not looked at here, but for what it tells of its dates.
vi.mock('./CampaignForm', () => ({
  CampaignForm: ({ onTyped }: { onTyped: (typed: Typed) => void }) =>
    (['half', 'whole'] as const).map((each) => (
      <button key={each} onClick={() => onTyped(each)}>
        {each} date
      </button>
    )),
}));
vi.mock('@tanstack/react-router', async (original) => ({
  ...(await original<object>()),
  Link: ({ children }: { children: ReactNode }) => <a href="#campaigns">{children}</a>,
  useNavigate: () => vi.fn(),
}));

afterEach(() => vi.unstubAllGlobals());

const DRAFT = {
  ...EMPTY_INPUT,
  id: 'cmp_1',
  number: 1,
  version: 1,
  name: 'Spring',
  sender_id: 'snd_1',
  body: 'Hi',
  footer: 'none',
  review_comment: null,
} as unknown as Campaign;

const LINKS = {
  domain_id: null,
  shorten: 'every',
  expires_at: null,
  landing: 'always',
  legal_text: 'Old',
  consent_wording: '',
  link_base: 'https://s.example',
  links: [],
} as unknown as CampaignLinks;

/** Stands for the server; gives what was written, in its order. */
function server() {
  const written: string[] = [];
  let links = LINKS;
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const path = url.replace('/api/v1', '').split('?')[0] ?? '';
    const answer = (body: unknown, status = 200) =>
      Promise.resolve(Response.json(body, { status }));
    if (path === '/campaigns/cmp_1/links') {
      if (init.method === 'PATCH') {
        written.push(`PATCH ${path} ${init.body}`);
        links = { ...links, ...(JSON.parse(init.body ?? '{}') as object) };
      }
      return answer(links);
    }
    if (path === '/campaigns/cmp_1/preview') {
      const segments = { min: 0, typical: 0, max: 0 };
      return answer({ audience: 1, sendable: 1, excluded: [], held: [], segments, sample: null });
    }
    if (path === '/setup-status') return answer({ senders: [], channels: [] });
    if (path === '/campaign-settings') return answer({ approval: 'none' });
    if (init.method === 'GET') return answer({ data: [], next_cursor: null });
    written.push(`${init.method} ${path}`);
    return answer({ detail: 'Not in this test.' }, 422);
  });
  return written;
}

describe('the links of a draft', () => {
  it('are saved before the draft is checked, and count as not saved until then', async () => {
    const written = server();
    render(
      <AppTheme>
        <QueryClientProvider client={new QueryClient()}>
          <DraftEditor campaign={DRAFT} />
        </QueryClientProvider>
      </AppTheme>,
    );
    const legal = await screen.findByLabelText('Legal text on the page');
    expect(screen.getByText('Saved')).toBeTruthy();
    fireEvent.change(legal, { target: { value: 'New' } });
    expect(screen.getByText('Not saved yet')).toBeTruthy();
    await waitFor(() =>
      expect(screen.getByTestId('campaign-start').hasAttribute('disabled')).toBe(false),
    );
    fireEvent.click(screen.getByTestId('campaign-start'));
    await waitFor(() => expect(written).toContain('POST /campaigns/cmp_1/preflight'));
    const steps = written.filter((each) => each.includes('cmp_1'));
    expect(steps).toEqual([
      'PATCH /campaigns/cmp_1/links {"legal_text":"New"}',
      'POST /campaigns/cmp_1/preflight',
    ]);
    expect(screen.getByText('Saved')).toBeTruthy();
  });

  it('are not saved, and the draft not checked, while their end is half typed', async () => {
    const written = server();
    render(
      <AppTheme>
        <QueryClientProvider client={new QueryClient()}>
          <DraftEditor campaign={DRAFT} />
        </QueryClientProvider>
      </AppTheme>,
    );
    const end = await screen.findByLabelText<HTMLInputElement>('Links end');
    fireEvent.change(end, { target: { value: '2027-07-01T09:30' } });
    vi.spyOn(end, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
    fireEvent.change(end, { target: { value: '' } });
    fireEvent.click(screen.getByTestId('links-save'));
    await screen.findByText(
      'The end of the links is no whole date yet. Complete it, or empty the field.',
    );
    await waitFor(() =>
      expect(screen.getByTestId('campaign-start').hasAttribute('disabled')).toBe(false),
    );
    fireEvent.click(screen.getByTestId('campaign-start'));
    await screen.findByText('Check before the start');
    expect(written.filter((each) => each.includes('cmp_1'))).toEqual([]);
  });
});

describe('a draft', () => {
  it('is not started while a date of its schedule is half typed', async () => {
    server();
    render(
      <AppTheme>
        <QueryClientProvider client={new QueryClient()}>
          <DraftEditor campaign={DRAFT} />
        </QueryClientProvider>
      </AppTheme>,
    );
    const isHeld = () => screen.getByTestId('campaign-start').hasAttribute('disabled');
    await screen.findByText('half date');
    await waitFor(() => expect(isHeld()).toBe(false));
    fireEvent.click(screen.getByText('half date'));
    expect(isHeld()).toBe(true);
    screen.getByText(/A date under Time is no whole date yet/);
    fireEvent.click(screen.getByText('whole date'));
    expect(isHeld()).toBe(false);
  });
});

// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import type { Segment } from '@/api/types';
import { lostByLeaving } from '@/lib/unsaved';
import { AppTheme } from '@/ui';
import { SegmentEditor } from './SegmentEditor';

vi.mock('@tanstack/react-router', () => ({
  Link: ({ children }: { children: ReactNode }) => <a href="#segments">{children}</a>,
  useNavigate: () => vi.fn(),
}));
vi.mock('./MemberTable', () => ({ MemberTable: () => null }));

afterEach(() => vi.unstubAllGlobals());

const form = (value: string) => ({
  join: 'all',
  items: [{ row: { topic: 'field', field: 'city', operator: 'is', values: [value] } }],
});

it('takes into the text what the rows say now, and calls that no change', async () => {
  vi.stubGlobal('fetch', (_: string, init: { body?: string }) => {
    const asked = JSON.parse(init.body ?? '{}') as { form?: ReturnType<typeof form> };
    const city = asked.form?.items[0]?.row.values[0] ?? '?';
    return Promise.resolve(
      Response.json({
        condition: `contact.city == "${city}"`,
        form: form(city),
        problem: null,
        count: 0,
        sample: [],
      }),
    );
  });
  const segment = {
    id: 'seg_1',
    name: 'Climbers',
    condition: 'contact.city == "Lima"',
    form: form('Lima'),
  } as unknown as Segment;
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <SegmentEditor segment={segment} />
      </AppTheme>
    </QueryClientProvider>,
  );
  await screen.findByTestId('segment-count');
  await userEvent.click(screen.getByTestId('segment-mode-text'));
  await screen.findByTestId('segment-text');
  expect(lostByLeaving()).toEqual([]);
  await userEvent.click(screen.getByTestId('segment-mode-form'));
  const value = await screen.findByTestId<HTMLInputElement>('segment-value');
  await userEvent.clear(value);
  await userEvent.type(value, 'Quito');
  // At once: the answer on the screen is still that for the rows before.
  await userEvent.click(screen.getByTestId('segment-mode-text'));
  const text = await screen.findByTestId<HTMLTextAreaElement>('segment-text');
  await waitFor(() => expect(text.value).toBe('contact.city == "Quito"'));
  expect(lostByLeaving()).toEqual(['The segment']);
});

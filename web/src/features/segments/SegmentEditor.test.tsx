// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
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

const show = (segment: Segment | null) =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <SegmentEditor segment={segment} />
      </AppTheme>
    </QueryClientProvider>,
  );

/** What the server says of rows without a value, and of a text that rows cannot say. */
const answers = (_: string, init: { body?: string }) => {
  const asked = JSON.parse(init.body ?? '{}') as {
    condition?: string;
    form?: ReturnType<typeof form>;
  };
  const lacks = asked.form?.items.some((item) => item.row.values[0] === '') === true;
  return Promise.resolve(
    Response.json({
      condition: lacks ? null : (asked.condition ?? 'contact.city == "Lima"'),
      form: null,
      problem: lacks ? { message: 'Give city a value.', place: null } : null,
      count: 0,
      sample: [],
    }),
  );
};

it('stays with rows that are not complete, and says what they lack', async () => {
  vi.stubGlobal('fetch', answers);
  show({
    id: 'seg_1',
    name: 'Climbers',
    condition: 'contact.city == "Lima"',
    form: form('Lima'),
  } as unknown as Segment);
  await screen.findByTestId('segment-count');
  await userEvent.clear(screen.getByTestId('segment-value'));
  await userEvent.click(screen.getByTestId('segment-mode-text'));
  await screen.findByText('Complete the rows first');
  expect(screen.queryByTestId('segment-text')).toBeNull();
  expect(screen.getByTestId('segment-value')).toBeTruthy();
});

it('says why a condition stays as text, in the words of its own', async () => {
  vi.stubGlobal('fetch', answers);
  show({ id: 'seg_1', name: 'All but', condition: '!(a)', form: null } as unknown as Segment);
  await screen.findByTestId('segment-count');
  await userEvent.click(screen.getByTestId('segment-mode-form'));
  await screen.findByText('This condition says more than rows can.');
  expect(screen.queryByText('Something went wrong on this page')).toBeNull();
});

it('lets a new segment be written as text from the beginning', async () => {
  vi.stubGlobal('fetch', answers);
  show(null);
  await userEvent.click(screen.getByTestId('segment-mode-text'));
  await screen.findByTestId('segment-text');
});

describe('a segment that somebody else has changed meanwhile', () => {
  const first = {
    id: 'seg_1',
    name: 'Climbers',
    condition: 'contact.city == "Lima"',
    form: null,
    version: 1,
  } as unknown as Segment;
  const theirs = { ...first, condition: 'contact.city == "Rome"', version: 2 };

  /** Somebody else's is stored; gives what was sent to be saved. */
  function server() {
    const sent: unknown[] = [];
    vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
      if (init.method !== 'PATCH')
        return url.includes('seg_1') ? Promise.resolve(Response.json(theirs)) : answers(url, init);
      const patch = JSON.parse(init.body ?? '{}') as { version: number };
      sent.push(patch);
      return Promise.resolve(
        patch.version === 2
          ? Response.json({ ...theirs, ...patch, version: 3 })
          : Response.json({ code: 'changed_meanwhile' }, { status: 409 }),
      );
    });
    return sent;
  }

  const write = async () => {
    show(first);
    await screen.findByTestId('segment-count');
    await userEvent.type(screen.getByTestId('segment-name'), '!');
    await userEvent.click(screen.getByTestId('segment-save'));
    await screen.findByText('Somebody else has changed this segment');
  };
  const text = () => screen.getByTestId<HTMLTextAreaElement>('segment-text').value;

  it('is not written over; what was typed can be given up for it', async () => {
    const sent = server();
    await write();
    expect(sent).toEqual([{ name: 'Climbers!', condition: first.condition, version: 1 }]);
    await userEvent.click(screen.getByText('Load the newer one'));
    await waitFor(() => expect(text()).toBe(theirs.condition));
    expect(screen.queryByTestId('segment-newer')).toBeNull();
    expect(lostByLeaving()).toEqual([]);
  });

  it('is written over where that is wanted', async () => {
    const sent = server();
    await write();
    await userEvent.click(screen.getByText('Keep mine'));
    await screen.findByText('Segment saved');
    expect(sent[1]).toEqual({ name: 'Climbers!', condition: first.condition, version: 2 });
    await userEvent.type(screen.getByTestId('segment-name'), '?');
    await userEvent.click(screen.getByTestId('segment-save'));
    await waitFor(() => expect(sent[2]).toMatchObject({ name: 'Climbers!?', version: 3 }));
  });
});

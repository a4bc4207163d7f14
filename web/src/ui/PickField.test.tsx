// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/errors';
import { AppTheme, PickField, type Rest } from '.';

const groups = (segments: number) => [
  {
    label: 'Segments',
    items: Array.from({ length: segments }, (_, n) => ({ value: `s${n}`, label: `Segment ${n}` })),
  },
  { label: 'Lists', items: [{ value: 'l1', label: 'Spring news' }] },
];

const NONE: Rest = { state: 'none', error: null, read: () => undefined };

function shown(rest: Rest = NONE, segments = 3, onKeyDown = vi.fn()) {
  const onPick = vi.fn();
  const field = (next: Rest, count: number) => (
    <AppTheme>
      <div onKeyDown={onKeyDown}>
        <PickField
          label="Add"
          placeholder=""
          groups={groups(count)}
          rest={next}
          onPick={onPick}
          data-testid="pick"
        />
      </div>
    </AppTheme>
  );
  const { rerender } = render(field(rest, segments));
  return { onPick, put: (next: Rest, count: number) => rerender(field(next, count)) };
}

const field = () => screen.getByRole<HTMLInputElement>('combobox', { name: 'Add' });
const options = () => screen.queryAllByRole('option').map((each) => each.textContent);
/** What stands below the list; short messages have a place of their own. */
const said = () => screen.getAllByRole('status')[0]?.textContent;
const active = () => {
  const id = field().getAttribute('aria-activedescendant');
  return id === null ? null : document.getElementById(id)?.textContent;
};

describe('a field to add something', () => {
  it('chooses nothing while one goes through the list by key, and then what Enter is pressed on', async () => {
    const { onPick } = shown();
    field().focus();
    expect(field().getAttribute('aria-expanded')).toBe('false');
    await userEvent.keyboard('{ArrowDown}{ArrowDown}');
    expect(field().getAttribute('aria-expanded')).toBe('true');
    expect(active()).toBe('Segment 1');
    expect(screen.getByRole('group', { name: 'Lists' }).textContent).toContain('Spring news');
    await userEvent.keyboard('{ArrowUp}{ArrowUp}');
    expect(active()).toBe('Spring news');
    expect(onPick).not.toHaveBeenCalled();
    await userEvent.keyboard('{Enter}');
    expect(onPick.mock.calls).toEqual([['l1']]);
    expect(options()).toEqual([]);
    expect(document.activeElement).toBe(field());
  });

  it('finds by any part of the name, and says when nothing is like it', async () => {
    const { onPick } = shown();
    await userEvent.type(field(), 'NEWS spr');
    expect(options()).toEqual(['Spring news']);
    await userEvent.type(field(), 'x');
    expect(options()).toEqual([]);
    expect(field().getAttribute('aria-expanded')).toBe('false');
    expect(said()).toBe('Nothing matches “NEWS sprx”.');
    await userEvent.keyboard('{Enter}{Backspace}{Enter}');
    expect(onPick.mock.calls).toEqual([['l1']]);
    expect(field().value).toBe('');
  });

  it('is closed by Escape, which reaches nothing else, and emptied when one goes on', async () => {
    const onKeyDown = vi.fn();
    shown(NONE, 3, onKeyDown);
    await userEvent.type(field(), 'spr');
    onKeyDown.mockReset();
    await userEvent.keyboard('{Escape}');
    expect(options()).toEqual([]);
    expect(onKeyDown).not.toHaveBeenCalled();
    await userEvent.keyboard('{Escape}');
    expect(onKeyDown).toHaveBeenCalledTimes(1);
    await userEvent.tab();
    expect(field().value).toBe('');
  });

  it('shows a part of a long list and says how many more there are', async () => {
    shown(NONE, 260);
    await userEvent.click(field());
    expect(options()).toHaveLength(51);
    expect(said()).toBe('210 more. Type a part of the name.');
    await userEvent.type(field(), '259');
    expect(options()).toEqual(['Segment 259']);
  });

  it('reads on when asked, and by itself for what is typed', async () => {
    const read = vi.fn();
    const { put } = shown({ state: 'more', error: null, read });
    await userEvent.click(field());
    expect(read).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole('option', { name: 'Show more' }));
    expect(read).toHaveBeenCalledTimes(1);
    await userEvent.type(field(), 'segment 5');
    expect(read.mock.calls.length).toBeGreaterThan(1);
    put({ state: 'reading', error: null, read }, 6);
    expect(said()).toBe('Reading…');
    // Another one may fit better that is not here yet.
    expect(active()).toBeNull();
    put(NONE, 6);
    expect([options(), active()]).toEqual([['Segment 5'], 'Segment 5']);
  });

  it('says why it could not be read, and reads again when asked', async () => {
    const read = vi.fn();
    const error = new ApiError(503, { title: 'Busy', detail: 'The database is away.' });
    shown({ state: 'failed', error, read }, 0);
    await userEvent.click(field());
    expect(said()).toContain('The database is away.');
    await userEvent.keyboard('{ArrowDown}{ArrowDown}');
    expect(active()).toBe('Try again');
    expect(read).not.toHaveBeenCalled();
    await userEvent.keyboard('{Enter}');
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('stays on what was chosen by key when more comes before it', async () => {
    const { onPick, put } = shown();
    field().focus();
    await userEvent.keyboard('{ArrowUp}');
    expect(active()).toBe('Spring news');
    put(NONE, 9);
    expect(active()).toBe('Spring news');
    await userEvent.keyboard('{Enter}');
    expect(onPick.mock.calls).toEqual([['l1']]);
  });
});

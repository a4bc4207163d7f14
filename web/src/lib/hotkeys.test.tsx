// @vitest-environment happy-dom
import { fireEvent, render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setSingleKeys, startHotkeys, useRegisterCommands } from './hotkeys';

const run = { accept: vi.fn(), inbox: vi.fn(), palette: vi.fn(), write: vi.fn(), next: vi.fn() };

function Page() {
  useRegisterCommands([
    { id: 'a', label: 'Accept', group: 'x', keys: 'a', run: run.accept },
    { id: 'gi', label: 'Inbox', group: 'x', keys: 'g i', run: run.inbox },
    { id: 'w', label: 'Write', group: 'x', keys: 'Enter', run: run.write },
    { id: 'k', label: 'Palette', group: 'x', keys: 'mod+k', run: run.palette },
    { id: 'j', label: 'Next', group: 'x', keys: 'j', repeats: true, run: run.next },
  ]);
  return (
    <>
      <textarea aria-label="field" />
      <a href="#there">There</a>
    </>
  );
}

let stop: () => void;

beforeEach(() => {
  Object.values(run).forEach((each) => each.mockReset());
  stop = startHotkeys();
});

afterEach(() => {
  stop();
  setSingleKeys('on');
});

describe('hotkeys', () => {
  it('runs single keys and sequences', async () => {
    render(<Page />);
    await userEvent.keyboard('a');
    await userEvent.keyboard('gi');
    expect(run.accept).toHaveBeenCalledOnce();
    expect(run.inbox).toHaveBeenCalledOnce();
  });

  it('leaves letters to the field that is being typed in, but not combinations', async () => {
    const view = render(<Page />);
    await userEvent.type(view.getByLabelText('field'), 'a{Control>}k{/Control}');
    expect(run.accept).not.toHaveBeenCalled();
    expect(run.palette).toHaveBeenCalledOnce();
  });

  it('leaves Enter to the link that has the focus', async () => {
    const view = render(<Page />);
    const followed = vi.fn((event: Event) => event.preventDefault());
    view.getByRole('link').addEventListener('click', followed);
    view.getByRole('link').focus();
    await userEvent.keyboard('{Enter}');
    expect(followed).toHaveBeenCalledOnce();
    expect(run.write).not.toHaveBeenCalled();
    view.getByRole('link').blur();
    await userEvent.keyboard('{Enter}');
    expect(run.write).toHaveBeenCalledOnce();
  });

  it('runs once however long a key is held, except what moves in a list', () => {
    render(<Page />);
    const hold = (key: string) =>
      [false, true, true].map((repeat) => fireEvent.keyDown(document.body, { key, repeat }));
    // None of the presses goes on to the page.
    expect(hold('a')).toEqual([false, false, false]);
    hold('j');
    expect(run.accept).toHaveBeenCalledOnce();
    expect(run.next).toHaveBeenCalledTimes(3);
  });

  it('can do without single keys', async () => {
    setSingleKeys('off');
    render(<Page />);
    await userEvent.keyboard('a{Control>}k{/Control}');
    expect(run.accept).not.toHaveBeenCalled();
    expect(run.palette).toHaveBeenCalledOnce();
  });

  it('forgets commands of a page that was left', async () => {
    render(<Page />).unmount();
    await userEvent.keyboard('a');
    expect(run.accept).not.toHaveBeenCalled();
  });
});

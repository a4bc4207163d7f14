// @vitest-environment happy-dom
import {
  createBrowserHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router';
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useUnsaved, type Unsaved } from '@/lib/unsaved';
import { AppTheme, Dialog, TextField, useDialog } from '@/ui';
import { UnsavedGuard } from './UnsavedGuard';

/** Saves without closing the dialog around it. */
function SaveAndStay() {
  const { saved } = useDialog();
  return <button onClick={saved}>save and stay</button>;
}

/** A page with something to write, and another. */
async function open() {
  function Editor() {
    const [shown, setShown] = useState(false);
    const [state, setState] = useState<Unsaved>('saved');
    const letGo = useUnsaved('The draft', state);
    return (
      <>
        {(['saved', 'saving', 'unsaved'] as const).map((each) => (
          <button key={each} onClick={() => setState(each)}>
            {each}
          </button>
        ))}
        <button onClick={letGo}>let go</button>
        <button onClick={() => setShown(true)}>dialog</button>
        {shown && (
          <Dialog title="New" onClose={() => setShown(false)}>
            <TextField label="Name" />
            <input type="checkbox" aria-label="Chosen" />
            <SaveAndStay />
            <button
              onClick={() => {
                setShown(false);
                history.push('/other');
              }}
            >
              save and go on
            </button>
          </Dialog>
        )}
      </>
    );
  }
  const root = createRootRoute({
    component: () => (
      <>
        <Outlet />
        <UnsavedGuard />
      </>
    ),
  });
  const editor = createRoute({ getParentRoute: () => root, path: '/', component: Editor });
  const other = createRoute({
    getParentRoute: () => root,
    path: '/other',
    component: () => <p>Other page</p>,
  });
  window.history.replaceState(null, '', '/');
  const history = createBrowserHistory();
  onTestFinished(() => history.destroy());
  const router = createRouter({ routeTree: root.addChildren([editor, other]), history });
  render(
    <AppTheme>
      {/* The console's own type of router is registered; this one is smaller. */}
      <RouterProvider router={router as never} />
    </AppTheme>,
  );
  await screen.findByText('let go');
  return {
    is: (state: string) => userEvent.click(screen.getByText(state)),
    leave: () => act(async () => history.push('/other')),
  };
}

/** Whether the browser would ask before it closes the window. */
function asksAtClosing() {
  const event = new Event('beforeunload', { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

describe('what is not saved', () => {
  it('is asked about before another page is opened', async () => {
    const page = await open();
    await page.is('unsaved');
    await page.leave();
    await screen.findByText(/The draft is not saved/);
    expect(screen.queryByText('Other page')).toBeNull();
    await userEvent.click(screen.getByTestId('leave-stay'));
    await waitFor(() => expect(screen.queryByTestId('leave-stay')).toBeNull());
    await page.leave();
    await userEvent.click(await screen.findByTestId('leave-anyway'));
    await screen.findByText('Other page');
  });

  it('keeps nobody who has saved it or let it go', async () => {
    const page = await open();
    await page.is('unsaved');
    await page.is('let go');
    await page.leave();
    await screen.findByText('Other page');
  });

  it('is what was typed in a dialog, until it is closed', async () => {
    const page = await open();
    await page.is('dialog');
    await userEvent.click(await screen.findByLabelText('Chosen'));
    expect(asksAtClosing()).toBe(false);
    await userEvent.type(screen.getByLabelText('Name'), 'Ana');
    expect(asksAtClosing()).toBe(true);
    await page.leave();
    await screen.findByText(/What you typed is not saved/);
    await userEvent.click(screen.getByTestId('leave-stay'));
    expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('Ana');
    await userEvent.click(screen.getByLabelText('Close'));
    expect(asksAtClosing()).toBe(false);
  });

  it('is not what a dialog has saved that is closed on the way to another page', async () => {
    const page = await open();
    await page.is('dialog');
    await userEvent.type(await screen.findByLabelText('Name'), 'Ana');
    await userEvent.click(screen.getByText('save and go on'));
    await screen.findByText('Other page');
    expect(screen.queryByTestId('leave-dialog')).toBeNull();
  });

  it('is not what a dialog has saved that stays open, but what is typed there afterwards', async () => {
    const page = await open();
    await page.is('dialog');
    await userEvent.type(await screen.findByLabelText('Name'), 'Ana');
    await userEvent.click(screen.getByText('save and stay'));
    expect(asksAtClosing()).toBe(false);
    await userEvent.type(screen.getByLabelText('Name'), 'Bo');
    expect(asksAtClosing()).toBe(true);
    await userEvent.click(screen.getByText('save and stay'));
    await userEvent.keyboard('{Escape}');
    expect(screen.queryByLabelText('Name')).toBeNull();
  });

  it('is asked about when the window closes, also while it is being saved', async () => {
    const page = await open();
    expect(asksAtClosing()).toBe(false);
    await page.is('saving');
    expect(asksAtClosing()).toBe(true);
    await page.leave();
    await screen.findByText('Other page');
    expect(asksAtClosing()).toBe(false);
  });
});

// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { AppTheme, Button, Dialog, TextField } from '.';

function open(props: { closeOnEscape?: boolean } = {}) {
  const onClose = vi.fn();
  render(
    <AppTheme>
      <Dialog title="New" onClose={onClose} {...props}>
        <TextField label="Name" />
        <input type="search" aria-label="Search" />
      </Dialog>
    </AppTheme>,
  );
  return onClose;
}

const besides = () => document.querySelector('.mantine-Modal-inner') as HTMLElement;

describe('a dialog', () => {
  it('stays open at a click beside it', async () => {
    const onClose = open();
    await userEvent.click(besides());
    expect(onClose).not.toHaveBeenCalled();
    await userEvent.click(screen.getByLabelText('Close'));
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('closes at Escape until something is typed; a search is nothing to lose', async () => {
    const onClose = open();
    await userEvent.type(screen.getByLabelText('Search'), 'a');
    await userEvent.keyboard('{Escape}');
    expect(onClose).toHaveBeenCalledTimes(1);
    await userEvent.type(screen.getByLabelText('Name'), 'a');
    await userEvent.keyboard('{Escape}');
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('stays at Escape where it shows what cannot be seen again', async () => {
    const onClose = open({ closeOnEscape: false });
    await userEvent.keyboard('{Escape}');
    expect(onClose).not.toHaveBeenCalled();
  });

  it('gives the focus back to what opened it', async () => {
    function Opener() {
      const [shown, setShown] = useState(false);
      return (
        <AppTheme>
          <Button onClick={() => setShown(true)}>Open</Button>
          {shown && (
            <Dialog title="New" onClose={() => setShown(false)}>
              <TextField label="Name" />
            </Dialog>
          )}
        </AppTheme>
      );
    }
    render(<Opener />);
    await userEvent.click(screen.getByText('Open'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText('Close')));
    await userEvent.keyboard('{Escape}');
    await waitFor(() =>
      expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Open' })),
    );
  });
});

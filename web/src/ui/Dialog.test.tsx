// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { AppTheme, Dialog, TextField } from '.';

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
});

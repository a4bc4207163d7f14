// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { TableDialog } from './TableDialog';

it('lets a comma between the words of a column be taken back', async () => {
  render(
    <AppTheme>
      <TableDialog table={null} onClose={vi.fn()} onSaved={vi.fn()} />
    </AppTheme>,
  );
  const kind = screen.getAllByTestId('column-kind')[1];
  if (kind !== undefined) await userEvent.selectOptions(kind, 'choice');
  const words = screen.getByTestId<HTMLInputElement>('column-choices');
  await userEvent.type(words, 'Open, Paid,');
  expect(words.value).toBe('Open, Paid,');
  await userEvent.type(words, '{Backspace}');
  expect(words.value).toBe('Open, Paid');
});

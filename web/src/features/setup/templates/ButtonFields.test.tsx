// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { ButtonFields } from './ButtonFields';

it('adds a button when asked to, not while its kind is chosen', async () => {
  const onChange = vi.fn();
  render(
    <AppTheme>
      <ButtonFields buttons={[]} problem={() => undefined} onChange={onChange} on=" of card 2" />
    </AppTheme>,
  );
  await userEvent.selectOptions(
    screen.getByRole('combobox', { name: 'What another button does of card 2' }),
    'phone_number',
  );
  expect(onChange).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole('button', { name: 'Add a button of card 2' }));
  expect(onChange).toHaveBeenCalledWith([expect.objectContaining({ kind: 'phone_number' })]);
});

// @vitest-environment happy-dom
import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { FRESH_VOTE, VoteFields } from './VoteFields';

// What grows with its text asks for it, and the test's page has none.
Object.defineProperty(document, 'fonts', { value: new EventTarget() });

const show = (vote = FRESH_VOTE) => {
  const onChange = vi.fn();
  render(
    <AppTheme>
      <VoteFields vote={vote} onChange={onChange} />
    </AppTheme>,
  );
  return onChange;
};

it('takes options in their order and keeps at least two', () => {
  const onChange = show();
  fireEvent.change(screen.getByLabelText(/^Option 2: what people text/), {
    target: { value: 'BLUE' },
  });
  expect(onChange).toHaveBeenLastCalledWith({
    ...FRESH_VOTE,
    options: [
      { word: '', label: '' },
      { word: 'BLUE', label: '' },
    ],
  });
  for (const button of screen.getAllByRole('button', { name: 'Remove' }))
    expect(button).toHaveProperty('disabled', true);
});

it('asks for no answer to a second vote where the vote may be changed', () => {
  show({ ...FRESH_VOTE, changeable: true });
  expect(screen.queryByLabelText(/^To somebody who has voted/)).toBeNull();
});

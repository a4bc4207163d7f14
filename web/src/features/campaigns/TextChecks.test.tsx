// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { TextPreview } from '@/api/types';
import { AppTheme } from '@/ui';
import { TextChecks } from './TextChecks';

const PREVIEW: TextPreview = {
  text: 'It’s WINE',
  encoding: 'ucs2',
  units: 9,
  segments: 2,
  remaining: 61,
  fields: [],
  unknown_fields: [],
  non_gsm: ['’'],
  locale: null,
  opt_out_line: null,
  smart: {
    body: "It's WINE",
    replacements: [
      { from: '’', to: "'", count: 2 },
      { from: '\u200b', to: '', count: 1 },
    ],
    segments_before: 2,
    segments_after: 1,
  },
  findings: [
    {
      rule: 'sensitive_words',
      severity: 'warning',
      message: 'The text says wine.',
      source: 'US carriers’ content codes',
      at: [{ start: 5, end: 9, words: 'WINE' }],
      fix_label: null,
      fixed_body: null,
    },
    {
      rule: 'opt_out_missing',
      severity: 'hint',
      message: 'The text does not say how to stop.',
      source: 'CTIA',
      at: [],
      fix_label: 'Add “Reply STOP”',
      fixed_body: 'It’s WINE Reply STOP',
    },
  ],
  texts: [],
};

function show(preview: TextPreview, body = 'It’s WINE') {
  const onChange = vi.fn();
  render(
    <AppTheme>
      <TextChecks preview={preview} body={body} onChange={onChange} />
    </AppTheme>,
  );
  return onChange;
}

describe('TextChecks', () => {
  it('shows what would be replaced and leaves the choice to the author', async () => {
    const onChange = show(PREVIEW);
    expect(screen.getByText(/1 SMS instead of 2/)).toBeTruthy();
    const swaps = screen.getByRole('list', { name: 'What would be replaced' });
    expect(swaps.textContent).toContain("’ → ' 2 times");
    expect(swaps.textContent).toContain('U+200B → nothing');
    expect(onChange).not.toHaveBeenCalled();
    await userEvent.click(screen.getByTestId('apply-smart'));
    expect(onChange).toHaveBeenCalledWith("It's WINE");
  });

  it('shows each finding with its place and source, and does what its button says', async () => {
    const onChange = show({ ...PREVIEW, smart: null });
    const found = screen.getByTestId('finding-sensitive_words');
    expect(found.textContent).toContain('Warning');
    expect(found.textContent).toContain('WINE');
    expect(found.textContent).toContain('content codes');
    await userEvent.click(screen.getByRole('button', { name: 'Add “Reply STOP”' }));
    expect(onChange).toHaveBeenCalledWith('It’s WINE Reply STOP');
  });

  it('proposes nothing once the text is plain', () => {
    show({ ...PREVIEW, findings: [] }, "It's WINE");
    expect(screen.queryByTestId('apply-smart')).toBeNull();
  });
});

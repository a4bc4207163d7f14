// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { AppTheme } from '@/ui';
import { LanguageHolds } from './LanguageHolds';

describe('translations that keep messages back', () => {
  it('tells which wait and which are not sent any more, each with its reason', () => {
    const since = '2026-11-24T10:00:00Z';
    render(
      <AppTheme>
        <LanguageHolds
          languages={[
            { language: 'de', reason: 'WhatsApp has paused it.', waits: true, since },
            { language: 'fr', reason: 'WhatsApp has rejected it.', waits: false, since },
          ]}
        />
      </AppTheme>,
    );
    const german = screen.getByTestId('language-hold-de').textContent;
    expect(german).toContain('One language waits');
    expect(german).toContain('WhatsApp has paused it.');
    const french = screen.getByTestId('language-hold-fr').textContent;
    expect(french).toContain('not sent any more');
    expect(french).toContain('WhatsApp has rejected it.');
  });
});

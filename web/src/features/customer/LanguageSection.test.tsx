// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import type { CustomerPanel, Session } from '@/api/types';
import { AppTheme } from '@/ui';
import { LanguageSection } from './LanguageSection';

function shown(language: CustomerPanel['language'], locale: string | null): string {
  const panel = {
    language,
    contact: locale === null ? null : { locale },
  } as unknown as CustomerPanel;
  const session = { id: 'ses_1', agent: null } as unknown as Session;
  const view = render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <LanguageSection session={session} panel={panel} />
      </AppTheme>
    </QueryClientProvider>,
  );
  const text = screen.getByTestId('customer-language').textContent ?? '';
  view.unmount();
  return text;
}

describe('LanguageSection', () => {
  const at = '2026-11-27T12:00:00Z';
  it('says what a person said before the contact’s, and that before a detected one', () => {
    const person = { language: 'ca-es', by: 'person', certainty: null, at } as const;
    const detected = { language: 'de', by: 'detected', certainty: 97, at } as const;
    expect(shown(person, 'fr')).toMatch(/^Catalan.*as a colleague said/);
    expect(shown(detected, 'fr')).toBe('French, from the contact.');
    expect(shown(detected, null)).toBe('German, from what the customer wrote, 97 % certain.');
    expect(shown(null, null)).toMatch(/^Not known yet/);
  });
});

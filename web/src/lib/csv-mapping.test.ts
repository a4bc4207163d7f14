import { describe, expect, it } from 'vitest';
import { mappingProblem, suggestConsentColumn, suggestMapping } from './csv-mapping';

const column = (name: string, samples: string[] = [], suggestion: string | null = null) => ({
  name,
  samples,
  suggestion,
});

describe('suggestMapping', () => {
  it('reads the usual headers whatever their spelling', () => {
    expect(
      suggestMapping([column('Mobile'), column('First Name'), column('SURNAME'), column('E-Mail')]),
    ).toEqual({
      Mobile: 'phone',
      'First Name': 'first_name',
      SURNAME: 'last_name',
      'E-Mail': 'email',
    });
  });

  it('looks at the samples when the header says nothing', () => {
    expect(
      suggestMapping([
        column('Column 1', ['+1 555 010 0123', '(555) 010-0144']),
        column('Column 2', ['ada@example.com']),
      ]),
    ).toEqual({ 'Column 1': 'phone', 'Column 2': 'email' });
  });

  it('does not take short codes or ids for phone numbers', () => {
    expect(suggestMapping([column('Order', ['12345', '67890'])])).toEqual({ Order: 'order' });
  });

  it('keeps the suggestion of the server', () => {
    expect(suggestMapping([column('Kontakt', [], 'phone')])).toEqual({ Kontakt: 'phone' });
  });

  it('gives a field away once', () => {
    expect(suggestMapping([column('Phone'), column('Mobile')])).toEqual({
      Phone: 'phone',
      Mobile: '',
    });
  });

  it('turns other columns into attributes but leaves the consent column out', () => {
    const columns = [column('Loyalty Tier'), column('SMS Opt-In')];
    expect(suggestMapping(columns)).toEqual({ 'Loyalty Tier': 'loyalty_tier', 'SMS Opt-In': '' });
    expect(suggestConsentColumn(columns)).toBe('SMS Opt-In');
  });
});

describe('mappingProblem', () => {
  it('asks for the phone column', () => {
    expect(mappingProblem({ a: 'email' })).toMatch(/phone number/);
  });
  it('refuses the same field twice', () => {
    expect(mappingProblem({ a: 'phone', b: 'email', c: 'email' })).toMatch(/email/);
  });
  it('accepts a sound mapping', () => {
    expect(mappingProblem({ a: 'phone', b: '', c: '' })).toBeNull();
  });
});

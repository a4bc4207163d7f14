import { describe, expect, it } from 'vitest';
import type { ImportFile } from '@/api/types';
import { consentProblem, firstChoices, optionsOf } from './choice';

const file: ImportFile = {
  id: 'imf_1',
  name: 'spring.xlsx',
  row_count: 2,
  columns: [
    { name: 'Mobile', suggestion: 'phone', samples: ['030 123456'] },
    { name: 'Country', suggestion: null, samples: ['DE', 'us'] },
    { name: 'Newsletter opt-in', suggestion: null, samples: ['yes'] },
    { name: 'Opt-out', suggestion: null, samples: [] },
  ],
  remembered: null,
  created_at: '2026-11-26T12:00:00Z',
};

describe('the first choices', () => {
  it('come from the names of the columns', () => {
    const choices = firstChoices(file, 'GB');
    expect(choices.mapping.Mobile).toBe('phone');
    expect(choices.consent).toMatchObject({
      kind: 'column',
      column: 'Newsletter opt-in',
      optOutColumn: 'Opt-out',
    });
    expect(choices.target).toEqual({
      listId: '',
      listName: 'spring',
      country: 'GB',
      countryColumn: 'Country',
    });
    expect(consentProblem(choices.consent)).toMatch(/wording/);
  });

  it.each([
    ['Unsubscribe Link', ''],
    ['unsubscribe_token', ''],
    ['Opt-out ID', ''],
    ['opt_out_id', ''],
    ['Unsubscribe', 'https://acme.example/u/1'],
    ['Unsubscribe', 'www.acme.example/u/1'],
    ['Unsubscribe', 'mailto:out@acme.example'],
  ])('take no way to opt out for an opt-out: %s, %s', (name, sample) => {
    const way = { name, suggestion: null, samples: ['', sample] };
    expect(firstChoices({ ...file, columns: [way] }, 'GB').consent).toEqual({
      ...firstChoices({ ...file, columns: [] }, 'GB').consent,
    });
    const choices = firstChoices({ ...file, columns: [way, ...file.columns] }, 'GB');
    expect(choices.consent.optOutColumn).toBe('Opt-out');
  });

  it('come from the last file with the same columns, and give back the same options', () => {
    const options = optionsOf(
      {
        ...firstChoices(file, 'GB'),
        consent: {
          ...firstChoices(file, 'GB').consent,
          wording: ' Yes, text me. ',
        },
      },
      file.name,
    );
    expect(options.consent).toEqual({
      column: 'Newsletter opt-in',
      opt_out_column: 'Opt-out',
      method: 'web_form',
      wording: 'Yes, text me.',
    });
    const remembered = {
      ...options,
      list_name: null,
      list_id: null,
      country_column: options.country_column ?? null,
      consent: {
        column: null,
        opt_out_column: null,
        wording: null,
        wording_column: null,
        method: null,
        proof: null,
        proof_column: null,
        date_column: null,
        expires_column: null,
        ...options.consent,
      },
    };
    const again = firstChoices({ ...file, remembered }, 'US');
    expect(optionsOf(again, file.name)).toEqual({ ...options, list_name: 'spring' });
    expect(consentProblem(again.consent)).toBeNull();
  });
});

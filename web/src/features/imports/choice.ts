import type { ImportColumn, ImportConsent, ImportFile, ImportOptions } from '@/api/types';
import { suggestConsentColumn, suggestMapping } from '@/lib/csv-mapping';

/** What the wizard's fields hold; an empty text is no choice. */
export interface ConsentChoice {
  kind: 'none' | 'all' | 'column';
  column: string;
  optOutColumn: string;
  wording: string;
  wordingColumn: string;
  method: string;
  proof: string;
  proofColumn: string;
  dateColumn: string;
  expiresColumn: string;
}

export interface Target {
  listId: string;
  listName: string;
  country: string;
  countryColumn: string;
}

export interface Choices {
  mapping: Record<string, string>;
  consent: ConsentChoice;
  target: Target;
}

const NO_CONSENT: ConsentChoice = {
  kind: 'none',
  column: '',
  optOutColumn: '',
  wording: '',
  wordingColumn: '',
  method: 'web_form',
  proof: '',
  proofColumn: '',
  dateColumn: '',
  expiresColumn: '',
};

const OPT_OUT = /opt.?out|unsubscrib|abgemeldet|do.?not/i;
/** The way to opt out, or a name for it, is in the rows of all. */
const WAY_OUT = /link|url|token|key|hash|\bid$|_id$/i;
const ADDRESS = /:\/\/|www\.|mailto:/i;

/** Whether a column seems to say who opted out: whatever stands in it would count. */
const saysOptOut = ({ name, samples }: ImportColumn) =>
  OPT_OUT.test(name) && !WAY_OUT.test(name) && !samples.some((sample) => ADDRESS.test(sample));

/** How a file is read at first: as the last one with the same columns, or by its columns' names. */
export function firstChoices(file: ImportFile, country: string): Choices {
  const { remembered } = file;
  const listName = file.name.replace(/\.[^.]+$/, '');
  if (remembered !== null) {
    const { consent } = remembered;
    const claims =
      consent !== null &&
      [consent.wording, consent.wording_column, consent.proof, consent.proof_column].some(
        (text) => text !== null && text !== '',
      );
    return {
      mapping: {
        ...Object.fromEntries(file.columns.map((column) => [column.name, ''])),
        ...remembered.mapping,
      },
      consent: {
        kind: (consent?.column ?? '') !== '' ? 'column' : claims ? 'all' : 'none',
        column: consent?.column ?? '',
        optOutColumn: consent?.opt_out_column ?? '',
        wording: consent?.wording ?? '',
        wordingColumn: consent?.wording_column ?? '',
        method: consent?.method ?? 'web_form',
        proof: consent?.proof ?? '',
        proofColumn: consent?.proof_column ?? '',
        dateColumn: consent?.date_column ?? '',
        expiresColumn: consent?.expires_column ?? '',
      },
      target: {
        listId: '',
        listName,
        country: remembered.default_country === '' ? country : remembered.default_country,
        countryColumn: remembered.country_column ?? '',
      },
    };
  }
  const optOut = file.columns.find(saysOptOut)?.name ?? '';
  const agreed = suggestConsentColumn(file.columns.filter(({ name }) => !OPT_OUT.test(name)));
  return {
    // What says who opted out is no attribute.
    mapping: { ...suggestMapping(file.columns), ...(optOut === '' ? {} : { [optOut]: '' }) },
    consent: {
      ...NO_CONSENT,
      kind: agreed === null ? 'none' : 'column',
      column: agreed ?? '',
      optOutColumn: optOut,
    },
    target: { listId: '', listName, country, countryColumn: countryColumn(file.columns) },
  };
}

function countryColumn(columns: ImportColumn[]): string {
  const codes = (column: ImportColumn) =>
    column.samples.length > 0 && column.samples.every((sample) => /^[A-Za-z]{2}$/.test(sample));
  return (
    columns.find((column) => /country|land$|pa[ií]s/i.test(column.name) && codes(column))?.name ??
    ''
  );
}

/** Why this consent would not count, or `null`. */
export function consentProblem(choice: ConsentChoice): string | null {
  if (choice.kind === 'none') return null;
  if (choice.kind === 'column' && choice.column === '')
    return 'Choose the column that says who agreed.';
  const evidence = [choice.wording, choice.wordingColumn, choice.proof, choice.proofColumn];
  return evidence.every((text) => text.trim() === '')
    ? 'Give the wording people agreed to, or say where the proof is kept.'
    : null;
}

/** Texts that say something, by name. */
function given(texts: ImportConsent): ImportConsent {
  return Object.fromEntries(
    Object.entries(texts)
      .map(([name, text]) => [name, (text as string).trim()])
      .filter(([, text]) => text !== ''),
  );
}

export function optionsOf({ mapping, consent, target }: Choices, fileName: string): ImportOptions {
  const said = given({
    opt_out_column: consent.optOutColumn,
    ...(consent.kind === 'column' ? { column: consent.column } : {}),
    ...(consent.kind === 'none'
      ? {}
      : {
          method: consent.method,
          wording: consent.wording,
          wording_column: consent.wordingColumn,
          proof: consent.proof,
          proof_column: consent.proofColumn,
          date_column: consent.dateColumn,
          expires_column: consent.expiresColumn,
        }),
  });
  return {
    mapping: Object.fromEntries(Object.entries(mapping).filter(([, field]) => field !== '')),
    default_country: target.country,
    ...(target.countryColumn === '' ? {} : { country_column: target.countryColumn }),
    ...(target.listId === ''
      ? { list_name: target.listName.trim() || fileName }
      : { list_id: target.listId }),
    consent: Object.keys(said).length === 0 ? null : said,
  };
}

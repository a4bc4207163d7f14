import type { ColumnKind, LinkBy, TableColumnInput } from '@/api/table-types';

export const KINDS: { value: ColumnKind; label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'date', label: 'Date' },
  { value: 'boolean', label: 'Yes or no' },
  { value: 'choice', label: 'One of a few words' },
];

export const LINKS: { value: LinkBy; label: string }[] = [
  { value: 'phone', label: 'Phone number' },
  { value: 'external_key', label: 'External key' },
  { value: 'email', label: 'Email address' },
];

export const emptyColumn = (is_key = false): TableColumnInput => ({
  label: '',
  kind: 'text',
  choices: [],
  is_key,
});

/** A text as the server keeps it: without signs that cannot be seen, save for new lines. */
const asKept = (value: string) => value.replace(/(?!\n)\p{Cc}/gu, '').trim();

/**
 * A number as the server reads it: of points and commas the last is the decimal sign, the other one groups by three, and a
 * comma that may do either makes it none.
 */
function numberOf(text: string): number {
  const groups = /^([+-]?\d{1,3}(?:[.,]\d{3})+)$/;
  const [comma, point] = [text.lastIndexOf(','), text.lastIndexOf('.')];
  const isOne = (sign: string) => text.indexOf(sign) === text.lastIndexOf(sign);
  if (comma < 0 && (point < 0 || isOne('.'))) return Number(text);
  if (comma < 0 || (point < 0 && !isOne(','))) {
    return groups.test(text) ? Number(text.replaceAll(/[.,]/g, '')) : NaN;
  }
  if (point < 0) {
    return /^[+-]?[1-9]\d{0,2},\d{3}$/.test(text) ? NaN : Number(text.replace(',', '.'));
  }
  const at = Math.max(comma, point);
  const whole = text.slice(0, at);
  const decimal = text.charAt(at);
  if (whole.includes(decimal) || !groups.test(whole)) return NaN;
  return Number(`${whole.replaceAll(/[.,]/g, '')}.${text.slice(at + 1)}`);
}

/** A condition over the rows, as the API takes it, for one column of the filter. */
export function conditionOf(
  column: { name: string; kind: ColumnKind } | undefined,
  comparison: string,
  value: string,
): string {
  if (column === undefined) return '';
  const quoted = (text: string) => JSON.stringify(text);
  const field = `row[${quoted(column.name)}]`;
  const text = asKept(value);
  if (comparison === 'empty') return `${field} == ""`;
  if (comparison === 'filled') return `${field} != ""`;
  if (text === '') return '';
  if (column.kind === 'number') {
    const number = numberOf(text);
    if (Number.isNaN(number)) return '';
    const signs: Record<string, string> = { is: '==', at_least: '>=', at_most: '<=' };
    return `double(${field}) ${signs[comparison] ?? '=='} ${number}`;
  }
  if (column.kind === 'date' && comparison !== 'is') {
    return `day(${field}) ${comparison === 'at_least' ? '>=' : '<='} ${quoted(text)}`;
  }
  if (column.kind === 'text' && comparison === 'contains') {
    return `${field}.lowerAscii().contains(${quoted(asciiLower(text))})`;
  }
  return `${field} == ${quoted(text)}`;
}

const asciiLower = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** What a column can be compared with in the filter. */
export function comparisons(kind: ColumnKind): { value: string; label: string }[] {
  const ends = [
    { value: 'filled', label: 'has a value' },
    { value: 'empty', label: 'is empty' },
  ];
  switch (kind) {
    case 'text':
      return [{ value: 'contains', label: 'contains' }, { value: 'is', label: 'is' }, ...ends];
    case 'number':
      return [
        { value: 'is', label: 'is' },
        { value: 'at_least', label: 'is at least' },
        { value: 'at_most', label: 'is at most' },
        ...ends,
      ];
    case 'date':
      return [
        { value: 'is', label: 'is' },
        { value: 'at_least', label: 'is on or after' },
        { value: 'at_most', label: 'is on or before' },
        ...ends,
      ];
    case 'boolean':
    case 'choice':
      return [{ value: 'is', label: 'is' }, ...ends];
  }
}

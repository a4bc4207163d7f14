import type { DataTableDefinition } from '@/api/table-types';

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** The table's column that each column of a file is likely to be, by its name; empty for none. */
export function suggestColumns(
  names: string[],
  table: Pick<DataTableDefinition, 'columns'>,
): Record<string, string> {
  const taken = new Set<string>();
  return Object.fromEntries(
    names.map((name) => {
      const found = table.columns.find(
        (column) =>
          !taken.has(column.name) &&
          (plain(column.label) === plain(name) || plain(column.name) === plain(name)),
      );
      if (found !== undefined) taken.add(found.name);
      return [name, found?.name ?? ''];
    }),
  );
}

/** Why a file cannot be read so, or `null`. */
export function mappingProblem(
  mapping: Record<string, string>,
  table: Pick<DataTableDefinition, 'columns'>,
): string | null {
  const chosen = Object.values(mapping).filter((name) => name !== '');
  const twice = chosen.find((name, index) => chosen.indexOf(name) !== index);
  const label = (name: string) =>
    table.columns.find((column) => column.name === name)?.label ?? name;
  if (twice !== undefined) return `Two columns become “${label(twice)}”. Choose one of them.`;
  const missing = table.columns.find((column) => column.is_key && !chosen.includes(column.name));
  return missing === undefined
    ? null
    : `Choose the column that holds “${missing.label}”: rows are known by it.`;
}

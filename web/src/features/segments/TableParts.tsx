import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { ColumnKind, TableColumnDefinition } from '@/api/table-types';
import type { ColumnTest, SegmentOperator, SegmentRow } from '@/api/types';
import { DateField, IconButton, NumberField, SelectField, TextField } from '@/ui';
import { fetchTables } from './api';
import css from './segments.module.css';
import { withValue } from './words';

type Choice = { value: SegmentOperator; label: string };

const HAS: Choice[] = [
  { value: 'happened', label: 'has a row' },
  { value: 'happened_not', label: 'has no row' },
  { value: 'at_least', label: 'rows: at least' },
  { value: 'at_most', label: 'rows: at most' },
  { value: 'equal', label: 'rows: exactly' },
];

const ENDS: Choice[] = [
  { value: 'filled', label: 'has any value' },
  { value: 'empty', label: 'has no value' },
];

/** What a column of this kind can be asked. */
function operators(kind: ColumnKind): Choice[] {
  switch (kind) {
    case 'number':
      return [
        { value: 'equal', label: '=' },
        { value: 'less', label: '<' },
        { value: 'at_most', label: '≤' },
        { value: 'more', label: '>' },
        { value: 'at_least', label: '≥' },
        ...ENDS,
      ];
    case 'date':
      return [
        { value: 'in_last_days', label: 'in the last … days' },
        { value: 'in_next_days', label: 'in the next … days' },
        { value: 'before', label: 'is before' },
        { value: 'since', label: 'is on or after' },
        { value: 'is', label: 'is' },
        ...ENDS,
      ];
    case 'boolean':
    case 'choice':
      return [{ value: 'is', label: 'is' }, { value: 'is_not', label: 'is not' }, ...ENDS];
    case 'text':
      return [
        { value: 'is', label: 'is' },
        { value: 'is_not', label: 'is not' },
        { value: 'contains', label: 'contains' },
        { value: 'contains_not', label: 'does not contain' },
        { value: 'starts_with', label: 'starts with' },
        { value: 'ends_with', label: 'ends with' },
        ...ENDS,
      ];
  }
}

function fresh(column: TableColumnDefinition | undefined): ColumnTest {
  const operator = operators(column?.kind ?? 'text')[0]?.value ?? 'is';
  const first = column?.kind === 'choice' ? (column.choices[0] ?? '') : '';
  return {
    column: column?.name ?? '',
    operator,
    values: [column?.kind === 'boolean' ? 'true' : first],
    ignore_case: false,
    days: operator === 'in_last_days' ? 30 : null,
  };
}

interface TablePartsProps {
  row: SegmentRow;
  onChange: (row: SegmentRow) => void;
}

/** Which table, how many rows of it, and what its columns have to be. */
export function TableParts({ row, onChange }: TablePartsProps) {
  const query = useQuery({ queryKey: keys.tables, queryFn: ({ signal }) => fetchTables(signal) });
  const tables = (query.data?.data ?? []).filter((table) => table.link !== null);
  const table = tables.find((each) => each.name === row.name);
  const having = row.having ?? [];
  const set = (change: Partial<SegmentRow>) => onChange({ ...row, ...change });
  const setTest = (at: number, test: ColumnTest) =>
    set({ having: having.map((each, index) => (index === at ? test : each)) });
  const counts = row.operator !== 'happened' && row.operator !== 'happened_not';
  return (
    <>
      <SelectField
        aria-label="Table"
        value={row.name}
        data={withValue(
          [
            {
              value: '',
              label:
                query.isSuccess && tables.length === 0 ? 'No table is linked' : 'Choose a table',
              disabled: true,
            },
            ...tables.map((each) => ({ value: each.name, label: each.label })),
          ],
          row.name,
        )}
        error={query.data === undefined && query.isError ? errorWords(query.error).message : null}
        onChange={(event) => set({ name: event.currentTarget.value, having: [] })}
        data-testid="segment-table"
      />
      <SelectField
        aria-label="Comparison"
        value={row.operator}
        data={HAS}
        onChange={(event) => {
          const operator = event.currentTarget.value as SegmentOperator;
          const some = operator !== 'happened' && operator !== 'happened_not';
          set({ operator, values: some ? [row.values[0] ?? '2'] : [] });
        }}
        data-testid="segment-operator"
      />
      {counts && (
        <TextField
          aria-label="Number of rows"
          inputMode="numeric"
          value={row.values[0] ?? ''}
          onChange={(event) => set({ values: [event.currentTarget.value] })}
          data-testid="segment-count-value"
        />
      )}
      {table !== undefined &&
        having.map((test, index) => (
          <TestEditor
            key={index}
            columns={table.columns}
            test={test}
            onChange={(next) => setTest(index, next)}
            onRemove={() => set({ having: having.filter((_, at) => at !== index) })}
          />
        ))}
      {table !== undefined && (
        <button
          type="button"
          className={css.textButton}
          onClick={() => set({ having: [...having, fresh(table.columns[0])] })}
          data-testid="segment-add-column"
        >
          + where
        </button>
      )}
    </>
  );
}

interface TestEditorProps {
  columns: TableColumnDefinition[];
  test: ColumnTest;
  onChange: (test: ColumnTest) => void;
  onRemove: () => void;
}

function TestEditor({ columns, test, onChange, onRemove }: TestEditorProps) {
  const column = columns.find((each) => each.name === test.column);
  const kind = column?.kind ?? 'text';
  const near = test.operator === 'in_last_days' || test.operator === 'in_next_days';
  const bare = test.operator === 'filled' || test.operator === 'empty';
  const choices =
    kind === 'choice'
      ? (column?.choices ?? []).map((choice) => ({ value: choice, label: choice }))
      : [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ];
  return (
    <div className={css.where} role="group" aria-label="Condition on a column">
      <SelectField
        aria-label="Column"
        value={test.column}
        data={withValue(
          columns.map((each) => ({ value: each.name, label: each.label })),
          test.column,
        )}
        onChange={(event) =>
          onChange(fresh(columns.find((each) => each.name === event.currentTarget.value)))
        }
        data-testid="segment-column"
      />
      <SelectField
        aria-label="Comparison of the column"
        value={test.operator}
        data={withValue(operators(kind), test.operator)}
        onChange={(event) => {
          const operator = event.currentTarget.value as SegmentOperator;
          const days = operator === 'in_last_days' || operator === 'in_next_days';
          onChange({
            ...test,
            operator,
            days: days ? (test.days ?? 30) : null,
            values:
              days || operator === 'filled' || operator === 'empty' ? [] : [test.values[0] ?? ''],
          });
        }}
        data-testid="segment-column-operator"
      />
      {near && (
        <NumberField
          aria-label="Days"
          min={1}
          max={3650}
          value={test.days ?? 30}
          onNumber={(days) => onChange({ ...test, days })}
        />
      )}
      {!near && !bare && (kind === 'choice' || kind === 'boolean') && (
        <SelectField
          aria-label="Value of the column"
          value={test.values[0] ?? ''}
          data={withValue(choices, test.values[0] ?? '')}
          onChange={(event) => onChange({ ...test, values: [event.currentTarget.value] })}
          data-testid="segment-column-value"
        />
      )}
      {!near && !bare && kind === 'date' && (
        <DateField
          key={test.column}
          aria-label="Value of the column"
          type="date"
          value={test.values[0] ?? ''}
          onDate={(day) => onChange({ ...test, values: [day] })}
          data-testid="segment-column-value"
        />
      )}
      {!near && !bare && (kind === 'text' || kind === 'number') && (
        <TextField
          aria-label="Value of the column"
          value={test.values[0] ?? ''}
          onChange={(event) => onChange({ ...test, values: [event.currentTarget.value] })}
          data-testid="segment-column-value"
        />
      )}
      <IconButton label="Remove condition on the column" onClick={onRemove}>
        <IconTrash size={16} />
      </IconButton>
    </div>
  );
}

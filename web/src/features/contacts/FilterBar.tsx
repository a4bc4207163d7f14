import { IconFilterPlus, IconX } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import type { AttributeDefinition, FieldFilter } from '@/api/types';
import { Button, DateField, Dialog, DialogActions, SelectField, Stack, TextField } from '@/ui';
import type { ContactColumn } from './columns';
import css from './grid.module.css';

const OPERATORS: { value: FieldFilter['op']; label: string }[] = [
  { value: 'equals', label: 'is' },
  { value: 'not_equals', label: 'is not' },
  { value: 'contains', label: 'contains' },
  { value: 'exists', label: 'has a value' },
  { value: 'missing', label: 'is empty' },
  { value: 'at_least', label: 'is at least' },
  { value: 'at_most', label: 'is at most' },
];
const CONSENT = [
  { value: 'granted', label: 'Granted' },
  { value: 'revoked', label: 'Revoked' },
  { value: 'in_review', label: 'In review' },
  { value: 'expired', label: 'Expired' },
  { value: 'none', label: 'None' },
];
const NAMES = [
  { key: 'first_name', title: 'First name' },
  { key: 'last_name', title: 'Last name' },
];

export function needsValue(op: FieldFilter['op']): boolean {
  return op !== 'exists' && op !== 'missing';
}

/** A filter as a sentence. */
export function filterWords(
  filter: FieldFilter,
  columns: { key: string; title: string }[],
): string {
  const title =
    [...NAMES, ...columns].find((column) => column.key === filter.field)?.title ?? filter.field;
  const operator = OPERATORS.find((each) => each.value === filter.op)?.label ?? filter.op;
  const value = filter.field.endsWith('_consent')
    ? (CONSENT.find((each) => each.value === filter.value)?.label ?? filter.value)
    : filter.value;
  return needsValue(filter.op) ? `${title} ${operator} ${value}` : `${title} ${operator}`;
}

interface FilterBarProps {
  filters: FieldFilter[];
  columns: ContactColumn[];
  definitions: AttributeDefinition[];
  onChange: (filters: FieldFilter[]) => void;
}

export function FilterBar({ filters, columns, definitions, onChange }: FilterBarProps) {
  const [adding, setAdding] = useState(false);
  return (
    <div className={css.chips}>
      {filters.map((filter, index) => (
        <span key={index} className={css.chip}>
          {filterWords(filter, columns)}
          <button
            type="button"
            aria-label={`Remove filter ${filterWords(filter, columns)}`}
            onClick={() => onChange(filters.filter((_, at) => at !== index))}
          >
            <IconX size={14} aria-hidden="true" />
          </button>
        </span>
      ))}
      <Button
        size="xs"
        emphasis="quiet"
        leftSection={<IconFilterPlus size={15} />}
        onClick={() => setAdding(true)}
        data-testid="filter-add"
      >
        Add filter
      </Button>
      {adding && (
        <FilterDialog
          columns={columns}
          definitions={definitions}
          onClose={() => setAdding(false)}
          onAdd={(filter) => {
            onChange([...filters, filter]);
            setAdding(false);
          }}
        />
      )}
    </div>
  );
}

interface FilterDialogProps {
  columns: ContactColumn[];
  definitions: AttributeDefinition[];
  onClose: () => void;
  onAdd: (filter: FieldFilter) => void;
}

function FilterDialog({ columns, definitions, onClose, onAdd }: FilterDialogProps) {
  const [filter, setFilter] = useState<FieldFilter>({
    field: 'sms_consent',
    op: 'equals',
    value: 'granted',
  });
  const definition = definitions.find((each) => each.name === filter.field);
  const choices = filter.field.endsWith('_consent')
    ? CONSENT
    : definition?.kind === 'choice'
      ? definition.choices.map((choice) => ({ value: choice, label: choice }))
      : definition?.kind === 'boolean'
        ? [
            { value: 'true', label: 'Yes' },
            { value: 'false', label: 'No' },
          ]
        : null;
  const choose = (field: string) => {
    const of = definitions.find((each) => each.name === field);
    const first = field.endsWith('_consent')
      ? 'granted'
      : of?.kind === 'choice'
        ? (of.choices[0] ?? '')
        : of?.kind === 'boolean'
          ? 'true'
          : '';
    setFilter({ field, op: 'equals', value: first });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAdd({ ...filter, value: needsValue(filter.op) ? filter.value.trim() : '' });
  };
  const incomplete = needsValue(filter.op) && filter.value.trim() === '';
  return (
    <Dialog title="Add filter" onClose={onClose} size="sm">
      <form onSubmit={submit}>
        <Stack gap={12}>
          <SelectField
            label="Field"
            value={filter.field}
            onChange={(event) => choose(event.currentTarget.value)}
            data={[...NAMES, ...columns]
              .filter((column) => column.key !== 'created_at')
              .map((column) => ({ value: column.key, label: column.title }))}
            data-testid="filter-field"
          />
          <SelectField
            label="Condition"
            value={filter.op}
            onChange={(event) =>
              setFilter({ ...filter, op: event.currentTarget.value as FieldFilter['op'] })
            }
            data={
              choices === null
                ? OPERATORS
                : OPERATORS.filter((each) => !/least|most|contains/.test(each.label))
            }
            data-testid="filter-op"
          />
          {needsValue(filter.op) &&
            (choices === null && definition?.kind === 'date' ? (
              <DateField
                key={filter.field}
                label="Value"
                type="date"
                value={filter.value}
                onDate={(value) => setFilter({ ...filter, value })}
                data-autofocus
                data-testid="filter-value"
              />
            ) : choices === null ? (
              <TextField
                label="Value"
                type={definition?.kind === 'number' ? 'number' : 'text'}
                value={filter.value}
                onChange={(event) => setFilter({ ...filter, value: event.currentTarget.value })}
                data-autofocus
                data-testid="filter-value"
              />
            ) : (
              <SelectField
                label="Value"
                value={filter.value}
                onChange={(event) => setFilter({ ...filter, value: event.currentTarget.value })}
                data={choices}
                data-testid="filter-value"
              />
            ))}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={incomplete} data-testid="filter-save">
            Add filter
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

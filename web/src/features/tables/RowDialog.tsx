import { useState, type FormEvent } from 'react';
import type { DataTableDefinition, DataTableRow, TableColumnDefinition } from '@/api/table-types';
import { Button, Dialog, DialogActions, Notice, SelectField, Stack, TextField } from '@/ui';
import { addRow, changeRow, deleteRow } from './api';
import css from './tables.module.css';
import { useMayDefine } from './use-may-define';

interface RowDialogProps {
  table: DataTableDefinition;
  /** Null for a new one. */
  row: DataTableRow | null;
  onClose: () => void;
  onSaved: () => void;
}

/** One row, column by column. */
export function RowDialog({ table, row, onClose, onSaved }: RowDialogProps) {
  const [fields, setFields] = useState<Record<string, string>>(row?.fields ?? {});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [sure, setSure] = useState(false);
  const mayDefine = useMayDefine();
  const doing = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
      onSaved();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // The key and what was changed here: what others write meanwhile stays. What is emptied is said, so that it is taken
    // away.
    const changed = table.columns
      .map((column) => ({
        column,
        before: row?.fields[column.name] ?? '',
        now: fields[column.name] ?? '',
      }))
      .filter(({ column, before, now }) => column.is_key || now !== before)
      .map(({ column, now }) => [column.name, now] as const);
    // Who adds a row does not mean to write over the one with the same key.
    const write = row === null ? addRow : changeRow;
    void doing(() => write(table.id, Object.fromEntries(changed)));
  };
  const key = table.columns.filter((column) => column.is_key);
  const remove = () => {
    if (!sure) {
      setSure(true);
      return;
    }
    void doing(() =>
      deleteRow(
        table.id,
        key.map((column) => row?.fields[column.name] ?? ''),
      ),
    );
  };
  return (
    <Dialog title={row === null ? 'New row' : 'Change row'} onClose={onClose} size="sm">
      <form onSubmit={submit}>
        <Stack gap={12}>
          {table.columns.map((column, index) => (
            <Field
              key={column.name}
              column={column}
              value={fields[column.name] ?? ''}
              fixed={row !== null && column.is_key ? 'yes' : 'no'}
              first={index === 0 ? 'yes' : 'no'}
              onChange={(value) => setFields({ ...fields, [column.name]: value })}
            />
          ))}
          {problem !== null && (
            <Notice tone="bad" live="alert">
              {problem}
            </Notice>
          )}
        </Stack>
        <DialogActions>
          <div className={css.spread}>
            {row !== null && mayDefine && (
              <Button emphasis="quiet" onClick={remove} data-testid="row-delete">
                {sure ? 'Really delete it?' : 'Delete'}
              </Button>
            )}
          </div>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={key.some((column) => (fields[column.name] ?? '').trim() === '')}
            data-testid="row-save"
          >
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  column: TableColumnDefinition;
  value: string;
  fixed: 'yes' | 'no';
  first: 'yes' | 'no';
  onChange: (value: string) => void;
}

function Field({ column, value, fixed, first, onChange }: FieldProps) {
  const testId = `row-field-${column.name}`;
  const choices =
    column.kind === 'choice'
      ? column.choices.map((choice) => ({ value: choice, label: choice }))
      : [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ];
  if (column.kind === 'choice' || column.kind === 'boolean') {
    return (
      <SelectField
        label={column.label}
        value={value}
        disabled={fixed === 'yes'}
        data={[{ value: '', label: '–' }, ...choices]}
        onChange={(event) => onChange(event.currentTarget.value)}
        data-testid={testId}
      />
    );
  }
  return (
    <TextField
      label={column.label}
      value={value}
      readOnly={fixed === 'yes'}
      required={column.is_key}
      type={column.kind === 'date' ? 'date' : 'text'}
      inputMode={column.kind === 'number' ? 'decimal' : 'text'}
      onChange={(event) => onChange(event.currentTarget.value)}
      {...(first === 'yes' ? { 'data-autofocus': true } : {})}
      data-testid={testId}
    />
  );
}

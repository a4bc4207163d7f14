import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/errors';
import type { ColumnKind, DataTableDefinition, LinkBy, TableColumnInput } from '@/api/table-types';
import {
  Button,
  CheckField,
  Dialog,
  DialogActions,
  IconButton,
  Notice,
  Row,
  SelectField,
  Stack,
  TextField,
  WordsField,
} from '@/ui';
import { changeTable, createTable } from './api';
import css from './tables.module.css';
import { emptyColumn, KINDS, LINKS } from './words';

interface TableDialogProps {
  /** Null for a new one. */
  table: DataTableDefinition | null;
  onClose: () => void;
  onSaved: (table: DataTableDefinition) => void;
}

/** What a table is called, its columns, and how its rows are linked to contacts. */
export function TableDialog({ table, onClose, onSaved }: TableDialogProps) {
  const [label, setLabel] = useState(table?.label ?? '');
  const [columns, setColumns] = useState<TableColumnInput[]>(
    table?.columns ?? [emptyColumn(true), emptyColumn()],
  );
  // By place, for a new column has no name yet.
  const [linked, setLinked] = useState(
    table?.columns.findIndex((column) => column.name === table.link?.column) ?? -1,
  );
  const [by, setBy] = useState<LinkBy>(table?.link?.by ?? 'phone');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const hasRows = (table?.row_count ?? 0) > 0;
  const words = (name: string) =>
    problem instanceof ApiError ? problem.fieldMessage(name) : undefined;
  const set = (at: number, change: Partial<TableColumnInput>) =>
    setColumns(columns.map((each, index) => (index === at ? { ...each, ...change } : each)));
  const remove = (at: number) => {
    setColumns(columns.filter((_, index) => index !== at));
    setLinked(linked === at ? -1 : linked > at ? linked - 1 : linked);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const column = columns[linked];
    const input = {
      label,
      columns: columns.map((each) => ({ ...each, label: each.label.trim() })),
      link: column === undefined ? null : { column: column.name ?? column.label.trim(), by },
    };
    try {
      onSaved(
        table === null
          ? await createTable(input)
          : await changeTable(table.id, { ...input, version: table.version }),
      );
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const unnamed = columns.some((column) => column.label.trim() === '');
  const general =
    problem === null || words('label') !== undefined
      ? null
      : (words('columns') ?? words('link') ?? (problem as Error).message);
  return (
    <Dialog
      title={table === null ? 'New data table' : 'Columns and link'}
      onClose={onClose}
      size="lg"
    >
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={16}>
          <TextField
            label="Name"
            placeholder="Orders"
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
            error={words('label')}
            data-autofocus
            data-testid="table-label"
          />
          <div className={css.columns} role="group" aria-label="Columns">
            {columns.map((column, index) => (
              <div
                key={index}
                className={css.column}
                role="group"
                aria-label={`Column ${index + 1}`}
                data-testid="table-column"
              >
                <TextField
                  aria-label="Name of the column"
                  placeholder={index === 0 ? 'Order No.' : 'Status'}
                  value={column.label}
                  onChange={(event) => set(index, { label: event.currentTarget.value })}
                  data-testid="column-label"
                />
                <SelectField
                  aria-label="Holds"
                  value={column.kind}
                  data={KINDS}
                  onChange={(event) =>
                    set(index, { kind: event.currentTarget.value as ColumnKind })
                  }
                  data-testid="column-kind"
                />
                <CheckField
                  label="Key"
                  checked={column.is_key}
                  disabled={hasRows}
                  onChange={(event) => set(index, { is_key: event.currentTarget.checked })}
                  data-testid="column-key"
                />
                <IconButton
                  label={`Remove column ${column.label}`}
                  disabled={columns.length === 1 || (hasRows && column.is_key)}
                  onClick={() => remove(index)}
                >
                  <IconTrash size={16} />
                </IconButton>
                {column.kind === 'choice' && (
                  <div className={css.choices}>
                    <WordsField
                      aria-label={`Words of ${column.label}, separated by commas`}
                      placeholder="Open, Paid, Canceled"
                      words={column.choices}
                      onWords={(choices) => set(index, { choices })}
                      data-testid="column-choices"
                    />
                  </div>
                )}
              </div>
            ))}
            <Row>
              <Button
                emphasis="secondary"
                size="xs"
                leftSection={<IconPlus size={14} />}
                onClick={() => setColumns([...columns, emptyColumn()])}
                data-testid="column-add"
              >
                Column
              </Button>
            </Row>
            <p>
              Rows are known by the key: a row with the same key is written over.
              {hasRows && ' While there are rows, the key stays.'}
            </p>
          </div>
          <Row>
            <SelectField
              label="Links a row to a contact"
              value={String(linked)}
              data={[
                { value: '-1', label: 'Not linked' },
                ...columns
                  .map((column, index) => ({ column, index }))
                  .filter(({ column }) => column.kind === 'text' && column.label.trim() !== '')
                  .map(({ column, index }) => ({ value: String(index), label: column.label })),
              ]}
              onChange={(event) => setLinked(Number(event.currentTarget.value))}
              data-testid="table-link"
            />
            {linked >= 0 && (
              <SelectField
                label="It holds the contact’s"
                value={by}
                data={LINKS}
                onChange={(event) => setBy(event.currentTarget.value as LinkBy)}
                data-testid="table-link-by"
              />
            )}
          </Row>
          {general !== null && (
            <Notice tone="bad" live="alert">
              {general}
            </Notice>
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={label.trim() === '' || unnamed}
            data-testid="table-save"
          >
            {table === null ? 'Make table' : 'Save'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

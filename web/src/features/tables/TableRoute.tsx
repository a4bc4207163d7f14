import {
  IconColumns3,
  IconDownload,
  IconPlus,
  IconRowInsertBottom,
  IconUpload,
} from '@tabler/icons-react';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { DataTableDefinition, DataTableRow } from '@/api/table-types';
import { counted } from '@/lib/counted';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  DateField,
  EmptyState,
  Failure,
  Page,
  SelectField,
  SkeletonRows,
  TextField,
  type TableColumn,
} from '@/ui';
import { deleteTable, exportUrl, fetchRows, fetchTable } from './api';
import { RowDialog } from './RowDialog';
import { TableDialog } from './TableDialog';
import css from './tables.module.css';
import { useMayDefine } from './use-may-define';
import { comparisons, conditionOf } from './words';

/** One table with its rows. */
export function TableRoute() {
  const { tableId } = useParams({ strict: false });
  const id = tableId ?? '';
  const query = useQuery({
    queryKey: keys.table(id),
    queryFn: ({ signal }) => fetchTable(id, signal),
  });
  if (query.data !== undefined) return <Grid table={query.data} />;
  return (
    <Page title="Data table" back={<Link to="/tables">← Data tables</Link>}>
      <Card>
        {query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows rows={6} />
        )}
      </Card>
    </Page>
  );
}

interface Filter {
  column: string;
  comparison: string;
  value: string;
}

function shown(column: DataTableDefinition['columns'][number], row: DataTableRow): string {
  const value = row.fields[column.name] ?? '';
  if (column.kind !== 'boolean') return value;
  return value === 'true' ? 'Yes' : value === 'false' ? 'No' : '';
}

function Grid({ table }: { table: DataTableDefinition }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const mayDefine = useMayDefine();
  const mayDelete = useLive(({ user }) => user?.role === 'admin');
  const [filter, setFilter] = useState<Filter>({ column: '', comparison: 'is', value: '' });
  const [dialog, setDialog] = useState<'columns' | 'row' | 'delete' | null>(null);
  const [editing, setEditing] = useState<DataTableRow | null>(null);
  const column = table.columns.find((each) => each.name === filter.column);
  const condition = useDebounced(conditionOf(column, filter.comparison, filter.value), 250);
  const query = useInfiniteQuery({
    queryKey: keys.tableRows(table.id, table.version, condition),
    queryFn: ({ pageParam, signal }) => fetchRows(table.id, condition, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const refresh = () => void cache.invalidateQueries({ queryKey: keys.tables });
  const toImport = () =>
    void navigate({ to: '/tables/$tableId/import', params: { tableId: table.id } });
  const columns: TableColumn<DataTableRow>[] = [
    ...table.columns.map((each) => ({
      key: each.name,
      title: each.label,
      ...(each.kind === 'number' ? { align: 'end' as const } : {}),
      render: (row: DataTableRow) =>
        each.is_key ? <strong>{shown(each, row)}</strong> : shown(each, row),
    })),
    ...(table.link === null
      ? []
      : [
          {
            key: ' contact',
            title: 'Contact',
            render: (row: DataTableRow) =>
              row.contact_id === null ? (
                '–'
              ) : (
                <Link
                  to="/contacts/$contactId"
                  params={{ contactId: row.contact_id }}
                  onClick={(event) => event.stopPropagation()}
                >
                  {row.contact_name ?? 'Without name'}
                </Link>
              ),
          },
        ]),
  ];
  const isEmpty = table.row_count === 0 && rows.length === 0;
  return (
    <Page
      title={table.label}
      subtitle={`${counted(table.row_count, 'row', 'rows')}. In texts and segments it is ${table.name}.`}
      back={<Link to="/tables">← Data tables</Link>}
      actions={
        <>
          {mayDefine && (
            <Button
              emphasis="secondary"
              leftSection={<IconColumns3 size={16} />}
              onClick={() => setDialog('columns')}
              data-testid="table-columns"
            >
              Columns
            </Button>
          )}
          {mayDefine && (
            <Button
              emphasis="secondary"
              leftSection={<IconUpload size={16} />}
              onClick={toImport}
              data-testid="table-import"
            >
              Import
            </Button>
          )}
          <Button
            emphasis="secondary"
            leftSection={<IconDownload size={16} />}
            onClick={() => window.location.assign(exportUrl(table.id))}
            disabled={isEmpty}
            data-testid="table-export"
          >
            Export
          </Button>
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setDialog('row')}
            data-testid="row-new"
          >
            Row
          </Button>
        </>
      }
    >
      <Card padding="none">
        {!isEmpty && <FilterBar table={table} filter={filter} onChange={setFilter} />}
        {query.isPending && <SkeletonRows rows={8} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && isEmpty && (
          <EmptyState
            icon={<IconRowInsertBottom size={26} />}
            title="No rows yet"
            action={mayDefine && <Button onClick={toImport}>Import a CSV or Excel file</Button>}
          >
            Import a file, add rows one by one, or let your shop send them by API.
          </EmptyState>
        )}
        {query.isSuccess && !isEmpty && rows.length === 0 && !query.hasNextPage && (
          <EmptyState title="No row is like that">Change the filter or clear it.</EmptyState>
        )}
        {rows.length > 0 && (
          <DataTable
            label={`Rows of ${table.label}`}
            columns={columns}
            rows={rows}
            rowKey={(row) => row.key}
            rowTestId="data-row"
            onOpen={setEditing}
          />
        )}
      </Card>
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
            data-testid="rows-more"
          >
            Show more
          </Button>
        </div>
      )}
      {mayDelete && (
        <div className={css.more}>
          <Button emphasis="quiet" onClick={() => setDialog('delete')} data-testid="table-delete">
            Delete this table
          </Button>
        </div>
      )}
      {dialog === 'columns' && (
        <TableDialog
          table={table}
          onClose={() => setDialog(null)}
          onSaved={() => {
            setDialog(null);
            refresh();
          }}
        />
      )}
      {(dialog === 'row' || editing !== null) && (
        <RowDialog
          table={table}
          row={editing}
          onClose={() => {
            setDialog(null);
            setEditing(null);
          }}
          onSaved={() => {
            setDialog(null);
            setEditing(null);
            refresh();
          }}
        />
      )}
      {dialog === 'delete' && (
        <ConfirmDialog
          title={`Delete the table “${table.label}”?`}
          confirmLabel="Delete"
          onConfirm={() =>
            deleteTable(table.id).then(() => {
              refresh();
              void navigate({ to: '/tables' });
            })
          }
          onClose={() => setDialog(null)}
        >
          <p>
            {table.row_count === 0
              ? 'It has no rows.'
              : `Its ${counted(table.row_count, 'row goes', 'rows go')} with it, for good. Export first what you want to keep.`}
          </p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

interface FilterBarProps {
  table: DataTableDefinition;
  filter: Filter;
  onChange: (filter: Filter) => void;
}

function FilterBar({ table, filter, onChange }: FilterBarProps) {
  const column = table.columns.find((each) => each.name === filter.column);
  const choices =
    column?.kind === 'choice'
      ? column.choices.map((choice) => ({ value: choice, label: choice }))
      : [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ];
  const takesValue = filter.comparison !== 'filled' && filter.comparison !== 'empty';
  return (
    <div className={css.filter} role="search" aria-label="Filter of the rows">
      <SelectField
        aria-label="Column to filter by"
        value={filter.column}
        data={[
          { value: '', label: 'All rows' },
          ...table.columns.map((each) => ({ value: each.name, label: each.label })),
        ]}
        onChange={(event) => {
          const name = event.currentTarget.value;
          const kind = table.columns.find((each) => each.name === name)?.kind ?? 'text';
          onChange({ column: name, comparison: comparisons(kind)[0]?.value ?? 'is', value: '' });
        }}
        data-testid="filter-column"
      />
      {column !== undefined && (
        <>
          <SelectField
            aria-label="Comparison"
            value={filter.comparison}
            data={comparisons(column.kind)}
            onChange={(event) => onChange({ ...filter, comparison: event.currentTarget.value })}
            data-testid="filter-comparison"
          />
          {takesValue && (column.kind === 'choice' || column.kind === 'boolean') && (
            <SelectField
              aria-label="Value"
              value={filter.value}
              data={[{ value: '', label: 'Choose' }, ...choices]}
              onChange={(event) => onChange({ ...filter, value: event.currentTarget.value })}
              data-testid="filter-value"
            />
          )}
          {takesValue && column.kind === 'date' && (
            <DateField
              key={column.name}
              aria-label="Value"
              type="date"
              value={filter.value}
              onDate={(value) => onChange({ ...filter, value })}
              data-testid="filter-value"
            />
          )}
          {takesValue && (column.kind === 'text' || column.kind === 'number') && (
            <TextField
              aria-label="Value"
              value={filter.value}
              onChange={(event) => onChange({ ...filter, value: event.currentTarget.value })}
              data-testid="filter-value"
            />
          )}
        </>
      )}
    </div>
  );
}

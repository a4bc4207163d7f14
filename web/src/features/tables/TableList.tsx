import { IconPlus, IconTable } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { DataTableDefinition } from '@/api/table-types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Page,
  SkeletonRows,
  type TableColumn,
} from '@/ui';
import { fetchTables } from './api';
import { TableDialog } from './TableDialog';
import css from './tables.module.css';
import { useMayDefine } from './use-may-define';
import { LINKS } from './words';

const columns: TableColumn<DataTableDefinition>[] = [
  { key: 'label', title: 'Table', render: (table) => <strong>{table.label}</strong> },
  {
    key: 'rows',
    title: 'Rows',
    width: '110px',
    align: 'end',
    render: (table) => <span className={css.number}>{table.row_count.toLocaleString()}</span>,
  },
  {
    key: 'link',
    title: 'Linked to contacts by',
    render: (table) =>
      table.link === null
        ? 'Not linked'
        : LINKS.find((link) => link.value === table.link?.by)?.label,
  },
  {
    key: 'name',
    title: 'In texts and segments',
    priority: 'wide',
    render: (table) => <code>{table.name}</code>,
  },
  {
    key: 'updated',
    title: 'Changed',
    width: '190px',
    priority: 'wide',
    render: (table) => formatDateTime(table.updated_at),
  },
];

/** The tables of the workspace beside its contacts. */
export function TableList() {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const mayDefine = useMayDefine();
  const [making, setMaking] = useState(false);
  const query = useQuery({ queryKey: keys.tables, queryFn: ({ signal }) => fetchTables(signal) });
  const tables = query.data?.data ?? [];
  const open = (tableId: string) => void navigate({ to: '/tables/$tableId', params: { tableId } });
  const create = mayDefine && (
    <Button
      leftSection={<IconPlus size={16} />}
      onClick={() => setMaking(true)}
      data-testid="table-new"
    >
      New table
    </Button>
  );
  return (
    <Page
      title="Data tables"
      subtitle="What you know besides contacts: orders, appointments, prices."
      back={<Link to="/contacts">← Contacts</Link>}
      actions={tables.length > 0 ? create : undefined}
    >
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && tables.length === 0 && (
          <EmptyState icon={<IconTable size={26} />} title="No data tables yet" action={create}>
            Make a table for what belongs to contacts, such as their orders, or for what texts look
            up, such as prices. Fill it by file or by API.
          </EmptyState>
        )}
        {tables.length > 0 && (
          <DataTable
            label="Data tables"
            columns={columns}
            rows={tables}
            rowKey={(table) => table.id}
            rowTestId="table-row"
            onOpen={(table) => open(table.id)}
          />
        )}
      </Card>
      {making && (
        <TableDialog
          table={null}
          onClose={() => setMaking(false)}
          onSaved={(table) => {
            setMaking(false);
            void cache.invalidateQueries({ queryKey: keys.tables });
            open(table.id);
          }}
        />
      )}
    </Page>
  );
}

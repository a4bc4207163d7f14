import { IconUpload } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { Import } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Page,
  SkeletonRows,
  Tag,
  type TableColumn,
} from '@/ui';
import { errorsUrl, fetchImports } from './api';
import { STATES } from './words';

const columns: TableColumn<Import>[] = [
  { key: 'file', title: 'File', render: (each) => <strong>{each.file_name}</strong> },
  {
    key: 'state',
    title: 'State',
    render: (each) => (
      <Tag tone={STATES[each.state].tone} dot="dot">
        {STATES[each.state].label}
      </Tag>
    ),
  },
  { key: 'created', title: 'New', align: 'end', render: (each) => each.created.toLocaleString() },
  {
    key: 'updated',
    title: 'Updated',
    align: 'end',
    priority: 'wide',
    render: (each) => each.updated.toLocaleString(),
  },
  {
    key: 'opted',
    title: 'With consent',
    align: 'end',
    priority: 'wide',
    render: (each) => each.opted_in.toLocaleString(),
  },
  {
    key: 'rejected',
    title: 'Rejected',
    align: 'end',
    render: (each) =>
      each.rejected === 0 ? (
        '0'
      ) : (
        <a href={errorsUrl(each.id)} download onClick={(event) => event.stopPropagation()}>
          {each.rejected.toLocaleString()} (file)
        </a>
      ),
  },
  {
    key: 'when',
    title: 'Started',
    priority: 'wide',
    render: (each) => formatDateTime(each.created_at),
  },
];

export function ImportList() {
  const navigate = useNavigate();
  const query = useInfiniteQuery({
    queryKey: keys.imports,
    queryFn: ({ pageParam, signal }) => fetchImports(pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const imports = query.data?.pages.flatMap((page) => page.data) ?? [];
  const create = (
    <Button
      leftSection={<IconUpload size={16} />}
      onClick={() => void navigate({ to: '/imports/new' })}
    >
      Import a file
    </Button>
  );
  return (
    <Page title="Imports" back={<Link to="/contacts">← Contacts</Link>} actions={create}>
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && imports.length === 0 && (
          <EmptyState icon={<IconUpload size={26} />} title="Nothing imported yet">
            A CSV or Excel file with phone numbers and the proof of consent is all it takes.
          </EmptyState>
        )}
        {imports.length > 0 && (
          <DataTable
            label="Imports"
            columns={columns}
            rows={imports}
            rowKey={(each) => each.id}
            rowTestId="import-row"
            onOpen={(each) =>
              void navigate({ to: '/imports/$importId', params: { importId: each.id } })
            }
          />
        )}
      </Card>
      {query.hasNextPage && (
        <Button
          emphasis="secondary"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </Page>
  );
}

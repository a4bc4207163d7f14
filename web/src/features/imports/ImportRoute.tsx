import { IconArrowBackUp } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Import } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { useLive } from '@/live';
import { Button, Card, Failure, notify, Notice, Page, Row, SkeletonRows, Stack } from '@/ui';
import { fetchImport, stopImport } from './api';
import { Figures, Notes, RunningBar } from './Result';
import { UndoDialog, UndoLines } from './UndoDialog';

/** One import: how far it is, what came of it, and the way back. */
export function ImportRoute() {
  const { importId } = useParams({ strict: false });
  const id = importId ?? '';
  const query = useQuery({
    queryKey: keys.import(id),
    queryFn: ({ signal }) => fetchImport(id, signal),
    // Events drive it; this is for a missed one.
    refetchInterval: (current) =>
      current.state.data?.state === 'running' || current.state.data?.state === 'undoing'
        ? 1500
        : false,
  });
  return (
    <Page
      title={query.data?.file_name ?? 'Import'}
      width="narrow"
      back={<Link to="/imports">← Imports</Link>}
      {...(query.data === undefined
        ? {}
        : { subtitle: `Started ${formatDateTime(query.data.created_at)}` })}
    >
      {query.data === undefined ? (
        <Card>
          {query.isError ? (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          ) : (
            <SkeletonRows rows={3} />
          )}
        </Card>
      ) : (
        <ImportResult value={query.data} />
      )}
    </Page>
  );
}

function ImportResult({ value }: { value: Import }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const mayImport = useLive(({ user }) => user?.role === 'admin' || user?.role === 'marketer');
  const [undoing, setUndoing] = useState(false);
  const refresh = () => void cache.invalidateQueries({ queryKey: keys.import(value.id) });
  const stop = () => stopImport(value.id).then(refresh, (error: unknown) => notify.failure(error));
  const tableId = value.table_id;
  const ended = value.state === 'done' || value.state === 'failed';
  return (
    <Card data-testid="import-progress" data-state={value.state}>
      <Stack>
        <Figures value={value} />
        {value.state === 'running' && (
          <>
            <RunningBar value={value} />
            <p>You can leave this page; the import goes on.</p>
          </>
        )}
        {value.state === 'failed' && (
          <Notice tone="bad" title="The import stopped" live="alert">
            {value.detail ?? 'Check the file and start again. Rows that were read are kept.'}
          </Notice>
        )}
        {value.state === 'done' && value.rejected === 0 && (
          <Notice tone="good">All rows were taken in.</Notice>
        )}
        {ended && <Notes value={value} />}
        {(value.state === 'undoing' || value.state === 'undone') && (
          <Notice
            tone={value.state === 'undone' ? 'good' : 'info'}
            title={value.state === 'undone' ? 'This import is undone' : 'It is being undone…'}
            live="status"
          >
            {value.undo !== null && (
              <UndoLines counts={value.undo} what={tableId === null ? 'contacts' : 'rows'} />
            )}
          </Notice>
        )}
        <Row>
          {value.state === 'running' && mayImport && (
            <Button emphasis="secondary" onClick={() => void stop()} data-testid="import-stop">
              Stop
            </Button>
          )}
          {value.state !== 'running' && (
            <>
              <Button
                onClick={() =>
                  void (tableId === null
                    ? navigate({ to: '/contacts' })
                    : navigate({ to: '/tables/$tableId', params: { tableId } }))
                }
                data-testid="import-show"
              >
                {tableId === null ? 'Show contacts' : 'Show the table'}
              </Button>
              <Button
                emphasis="secondary"
                onClick={() =>
                  void (tableId === null
                    ? navigate({ to: '/imports/new' })
                    : navigate({ to: '/tables/$tableId/import', params: { tableId } }))
                }
              >
                Import another file
              </Button>
            </>
          )}
          {ended && mayImport && value.undo_until !== null && (
            <Button
              emphasis="quiet"
              leftSection={<IconArrowBackUp size={16} />}
              onClick={() => setUndoing(true)}
              data-testid="import-undo"
            >
              Undo this import
            </Button>
          )}
        </Row>
        {ended && value.undo_until !== null && (
          <p>It can be undone until {formatDateTime(value.undo_until)}.</p>
        )}
      </Stack>
      {undoing && (
        <UndoDialog
          importId={value.id}
          what={tableId === null ? 'contacts' : 'rows'}
          onClose={() => setUndoing(false)}
          onBegun={refresh}
        />
      )}
    </Card>
  );
}

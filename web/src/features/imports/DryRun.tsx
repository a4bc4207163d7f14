import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import { counted } from '@/lib/counted';
import { Button, Card, Failure, Notice, Row, SkeletonRows, Stack } from '@/ui';
import { fetchImport } from './api';
import { Figures, Notes, RunningBar } from './Result';

interface DryRunProps {
  importId: string;
  busy: 'yes' | 'no';
  onImport: () => void;
  onBack: () => void;
}

/** What the import would come to, before anything is changed. */
export function DryRun({ importId, busy, onImport, onBack }: DryRunProps) {
  const query = useQuery({
    queryKey: keys.import(importId),
    queryFn: ({ signal }) => fetchImport(importId, signal),
    refetchInterval: (current) => (current.state.data?.state === 'running' ? 700 : false),
  });
  const { data } = query;
  if (data === undefined) {
    return (
      <Card>{query.isError ? <Failure error={query.error} /> : <SkeletonRows rows={3} />}</Card>
    );
  }
  const taken = data.rows_read - data.rejected;
  return (
    <Card
      title={data.state === 'running' ? 'Checking every row…' : 'This is what will happen'}
      description={`${data.file_name}: nothing is changed yet.`}
      data-testid="dry-run"
      data-state={data.state}
    >
      <Stack>
        <Figures value={data} />
        {data.state === 'running' && <RunningBar value={data} />}
        {data.state === 'failed' && (
          <Notice tone="bad" title="The check stopped" live="alert">
            {data.detail}
          </Notice>
        )}
        {data.state === 'done' && <Notes value={data} />}
        {data.state === 'done' && taken === 0 && (
          <Notice tone="bad">No row can be imported. Go back and check the columns.</Notice>
        )}
        <Row>
          <Button
            onClick={onImport}
            loading={busy === 'yes'}
            disabled={data.state !== 'done' || taken === 0}
            data-testid="import-confirm"
          >
            {data.state === 'done' ? `Import ${counted(taken, 'row', 'rows')}` : 'Import'}
          </Button>
          <Button emphasis="secondary" onClick={onBack} data-testid="dry-run-back">
            Back to the columns
          </Button>
        </Row>
      </Stack>
    </Card>
  );
}

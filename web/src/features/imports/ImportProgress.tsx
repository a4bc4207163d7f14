import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import { Button, Card, Failure, Notice, Row, SkeletonRows, Stack } from '@/ui';
import { errorsUrl, fetchImport } from './api';
import css from './imports.module.css';

export function ImportProgress({ importId, onAgain }: { importId: string; onAgain: () => void }) {
  const navigate = useNavigate();
  const query = useQuery({
    queryKey: keys.import(importId),
    queryFn: ({ signal }) => fetchImport(importId, signal),
    // Events drive it; this is for a missed one.
    refetchInterval: (current) => (current.state.data?.state === 'running' ? 1500 : false),
  });
  const { data } = query;
  if (data === undefined) {
    return (
      <Card>{query.isError ? <Failure error={query.error} /> : <SkeletonRows rows={3} />}</Card>
    );
  }
  const figures = [
    { key: 'rows_read', label: 'rows read', value: data.rows_read },
    { key: 'created', label: 'new contacts', value: data.created },
    { key: 'updated', label: 'updated', value: data.updated },
    { key: 'opted_in', label: 'with consent', value: data.opted_in },
    { key: 'rejected', label: 'rejected', value: data.rejected },
  ];
  return (
    <Card title={data.file_name} data-testid="import-progress" data-state={data.state}>
      <Stack>
        <div className={css.figures}>
          {figures.map((figure) => (
            <div key={figure.key}>
              <strong data-testid={`import-${figure.key}`}>{figure.value.toLocaleString()}</strong>
              <span>{figure.label}</span>
            </div>
          ))}
        </div>
        {data.state === 'running' && (
          <>
            <div className={css.running} role="progressbar" aria-label="Import is running" />
            <p className={css.samples}>You can leave this page; the import goes on.</p>
          </>
        )}
        {data.state === 'failed' && (
          <Notice tone="bad" title="The import stopped" live="alert">
            {data.detail ?? 'Check the file and start again. Rows that were read are kept.'}
          </Notice>
        )}
        {data.state === 'done' && data.rejected === 0 && (
          <Notice tone="good">All rows were taken in.</Notice>
        )}
        {data.rejected > 0 && (
          <Notice
            tone="warn"
            title={`${data.rejected.toLocaleString()} rows were rejected`}
            action={
              <a href={errorsUrl(importId)} download data-testid="import-errors">
                Download them with the reasons
              </a>
            }
          >
            Correct that file and import it again; nothing is taken in twice.
          </Notice>
        )}
        {data.state !== 'running' && (
          <Row>
            <Button onClick={() => void navigate({ to: '/contacts' })}>Show contacts</Button>
            <Button emphasis="secondary" onClick={onAgain}>
              Import another file
            </Button>
          </Row>
        )}
      </Stack>
    </Card>
  );
}

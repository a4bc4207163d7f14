import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { DataTableDefinition } from '@/api/table-types';
import type { ImportFile, ImportMode } from '@/api/types';
import { counted } from '@/lib/counted';
import { mappingProblem, suggestColumns } from '@/lib/table-mapping';
import { useUnsaved } from '@/lib/unsaved';
import { Button, Card, Failure, Page, Row, SelectField, SkeletonRows } from '@/ui';
import { fetchTable, importRows, uploadFile } from './api';
import { ImportPage } from './ImportPage';
import css from './imports.module.css';
import { useImport } from './use-import';

/** A file for a table: its columns, then what would happen, then the import. */
export function TableImport() {
  const { tableId } = useParams({ strict: false });
  const id = tableId ?? '';
  const query = useQuery({
    queryKey: keys.table(id),
    queryFn: ({ signal }) => fetchTable(id, signal),
  });
  if (query.data !== undefined) return <Wizard table={query.data} />;
  return (
    <Page title="Import rows" width="narrow" back={<Link to="/tables">← Data tables</Link>}>
      <Card>{query.isError ? <Failure error={query.error} /> : <SkeletonRows rows={3} />}</Card>
    </Page>
  );
}

function Wizard({ table }: { table: DataTableDefinition }) {
  const [file, setFile] = useState<File | null>(null);
  const [taken, setTaken] = useState<ImportFile | null>(null);
  const letGo = useUnsaved('The import', taken === null ? 'saved' : 'unsaved');
  const steps = useImport(letGo);
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const choose = (chosen: File) =>
    steps.working(async () => {
      const uploaded = await uploadFile(chosen);
      setFile(chosen);
      setTaken(uploaded);
      setMapping(
        suggestColumns(
          uploaded.columns.map((column) => column.name),
          table,
        ),
      );
    });
  const start = async (mode: ImportMode) => {
    if (taken === null) return;
    const chosen = Object.fromEntries(Object.entries(mapping).filter(([, name]) => name !== ''));
    await steps.begin(mode, () => importRows(table.id, taken.id, mode, chosen));
  };
  const problem = taken === null ? null : mappingProblem(mapping, table);
  return (
    <ImportPage
      title={`Import into ${table.label}`}
      back={
        <Link to="/tables/$tableId" params={{ tableId: table.id }}>
          ← {table.label}
        </Link>
      }
      steps={steps}
      file={file}
      isTaken={taken !== null}
      onFile={(chosen) => void choose(chosen)}
      onImport={() => void start('import')}
    >
      {taken !== null && (
        <>
          <Card
            title="2. Columns"
            description={`${counted(taken.row_count, 'row', 'rows')}. What the file has no column for stays as it is.`}
          >
            <div className={css.tableMapping}>
              {taken.columns.map((column) => (
                <label key={column.name} style={{ display: 'contents' }}>
                  <span>
                    {column.name}
                    <small>{column.samples.slice(0, 3).join(', ')}</small>
                  </span>
                  <SelectField
                    aria-label={`What ${column.name} becomes`}
                    value={mapping[column.name] ?? ''}
                    data={[
                      { value: '', label: 'Leave out' },
                      ...table.columns.map((each) => ({
                        value: each.name,
                        label: each.is_key ? `${each.label} (key)` : each.label,
                      })),
                    ]}
                    onChange={(event) =>
                      setMapping({ ...mapping, [column.name]: event.currentTarget.value })
                    }
                    data-testid="table-mapping"
                  />
                </label>
              ))}
            </div>
          </Card>
          <Row>
            <Button
              size="md"
              onClick={() => void start('dry_run')}
              loading={steps.busy}
              disabled={problem !== null}
              data-testid="import-start"
            >
              Check {counted(taken.row_count, 'row', 'rows')}
            </Button>
            <span role="status">
              {problem ?? 'Next you see what would happen. Nothing is changed yet.'}
            </span>
          </Row>
        </>
      )}
    </ImportPage>
  );
}

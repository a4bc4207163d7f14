import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ImportPreview } from '@/api/types';
import { mappingProblem, suggestConsentColumn, suggestMapping } from '@/lib/csv-mapping';
import { Button, Card, notify, Page, Stack } from '@/ui';
import { fetchLists, previewImport, startImport } from './api';
import { ConsentStep, consentProblem, type ConsentChoice } from './ConsentStep';
import { FileDrop } from './FileDrop';
import { ImportProgress } from './ImportProgress';
import css from './imports.module.css';
import { MappingTable } from './MappingTable';
import { TargetStep, type Target } from './TargetStep';

interface Chosen {
  file: File;
  preview: ImportPreview;
}

/** File, mapping and consent on one page, then the progress. */
export function ImportWizard() {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const [consent, setConsent] = useState<ConsentChoice>({
    kind: 'none',
    column: '',
    wording: '',
    method: 'web_form',
    proof: '',
  });
  const [target, setTarget] = useState<Target>({ listId: '', listName: '', country: 'US' });
  const [busy, setBusy] = useState(false);
  const [importId, setImportId] = useState<string | null>(null);
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const cache = useQueryClient();

  const choose = async (file: File) => {
    setBusy(true);
    try {
      const preview = await previewImport(file);
      const column = suggestConsentColumn(preview.columns);
      setChosen({ file, preview });
      setMapping(suggestMapping(preview.columns));
      setConsent((now) => ({
        ...now,
        kind: column === null ? 'none' : 'column',
        column: column ?? '',
      }));
      setTarget((now) => ({ ...now, listName: file.name.replace(/\.[^.]+$/, '') }));
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };

  const problem = mappingProblem(mapping) ?? consentProblem(consent);
  const start = async () => {
    if (chosen === null || problem !== null) return;
    setBusy(true);
    try {
      const started = await startImport(chosen.file, {
        mapping: Object.fromEntries(Object.entries(mapping).filter(([, field]) => field !== '')),
        default_country: target.country,
        ...(target.listId === ''
          ? { list_name: target.listName.trim() || chosen.file.name }
          : { list_id: target.listId }),
        consent:
          consent.kind === 'none'
            ? null
            : {
                ...(consent.kind === 'column' ? { column: consent.column } : {}),
                method: consent.method,
                ...(consent.wording.trim() === '' ? {} : { wording: consent.wording.trim() }),
                ...(consent.proof.trim() === '' ? {} : { proof: consent.proof.trim() }),
              },
      });
      cache.setQueryData(keys.import(started.id), started);
      setImportId(started.id);
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Page title="Import contacts" width="narrow" back={<Link to="/contacts">← Contacts</Link>}>
      {importId !== null ? (
        <ImportProgress
          importId={importId}
          onAgain={() => {
            setImportId(null);
            setChosen(null);
          }}
        />
      ) : (
        <Stack>
          <Card
            title="1. File"
            description="A CSV file with a header row, exported from a spreadsheet or another system."
          >
            <FileDrop
              file={chosen?.file ?? null}
              busy={busy ? 'yes' : 'no'}
              onFile={(file) => void choose(file)}
            />
          </Card>
          {chosen !== null && (
            <>
              <Card
                title="2. Columns"
                description={`About ${chosen.preview.rows_estimated.toLocaleString()} rows. Check what each column becomes.`}
                padding="none"
              >
                <MappingTable
                  columns={chosen.preview.columns}
                  mapping={mapping}
                  onChange={setMapping}
                />
              </Card>
              <Card
                title="3. Consent"
                description="Without a recorded consent nobody of this file is messaged."
              >
                <ConsentStep
                  columns={chosen.preview.columns}
                  value={consent}
                  onChange={setConsent}
                />
              </Card>
              <Card title="4. List">
                <TargetStep lists={lists.data?.data ?? []} value={target} onChange={setTarget} />
              </Card>
              <div className={css.foot}>
                <span role="status">{problem}</span>
                <Button
                  size="md"
                  onClick={() => void start()}
                  loading={busy}
                  disabled={problem !== null}
                  data-testid="import-start"
                >
                  Import {chosen.preview.rows_estimated.toLocaleString()} rows
                </Button>
              </div>
            </>
          )}
        </Stack>
      )}
    </Page>
  );
}

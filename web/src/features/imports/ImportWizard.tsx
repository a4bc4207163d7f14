import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ImportFile, ImportMode } from '@/api/types';
import { mappingProblem } from '@/lib/csv-mapping';
import { useLive } from '@/live';
import { Button, Card, notify, Notice, Page, Stack } from '@/ui';
import { fetchLists, startImport, uploadFile } from './api';
import { consentProblem, firstChoices, optionsOf, type Choices } from './choice';
import { ConsentStep } from './ConsentStep';
import { DryRun } from './DryRun';
import { FileDrop } from './FileDrop';
import css from './imports.module.css';
import { MappingTable } from './MappingTable';
import { TargetStep } from './TargetStep';

interface Chosen {
  file: File;
  taken: ImportFile;
}

/** File, columns, consent and list on one page; then what would happen; then the import. */
export function ImportWizard() {
  const country = useLive(({ workspace }) => workspace?.country ?? 'US');
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [choices, setChoices] = useState<Choices | null>(null);
  const [busy, setBusy] = useState(false);
  const [dryRunId, setDryRunId] = useState<string | null>(null);
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const cache = useQueryClient();
  const navigate = useNavigate();

  const working = async (work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };
  const choose = (file: File) =>
    working(async () => {
      const taken = await uploadFile(file);
      setChosen({ file, taken });
      setChoices(firstChoices(taken, country));
    });
  const start = (mode: ImportMode) =>
    working(async () => {
      if (chosen === null || choices === null) return;
      const options = optionsOf(choices, chosen.file.name);
      const started = await startImport(chosen.taken.id, mode, options);
      cache.setQueryData(keys.import(started.id), started);
      if (mode === 'dry_run') setDryRunId(started.id);
      else await navigate({ to: '/imports/$importId', params: { importId: started.id } });
    });

  const problem =
    choices === null ? null : (mappingProblem(choices.mapping) ?? consentProblem(choices.consent));
  return (
    <Page title="Import contacts" width="narrow" back={<Link to="/contacts">← Contacts</Link>}>
      {dryRunId !== null ? (
        <DryRun
          importId={dryRunId}
          busy={busy ? 'yes' : 'no'}
          onImport={() => void start('import')}
          onBack={() => setDryRunId(null)}
        />
      ) : (
        <Stack>
          <Card
            title="1. File"
            description="CSV or Excel (.xlsx), with the names of the columns in the first row."
          >
            <FileDrop
              file={chosen?.file ?? null}
              busy={busy && choices === null ? 'yes' : 'no'}
              onFile={(file) => void choose(file)}
            />
          </Card>
          {chosen !== null && choices !== null && (
            <>
              <Card
                title="2. Columns"
                description={`${chosen.taken.row_count.toLocaleString()} rows. Check what each column becomes.`}
                padding="none"
              >
                {chosen.taken.remembered !== null && (
                  <div className={css.remembered}>
                    <Notice tone="info">
                      Filled in as for the last file with these columns. Change what is different.
                    </Notice>
                  </div>
                )}
                <MappingTable
                  columns={chosen.taken.columns}
                  mapping={choices.mapping}
                  onChange={(mapping) => setChoices({ ...choices, mapping })}
                />
              </Card>
              <Card
                title="3. Consent"
                description="Without a recorded consent nobody of this file is messaged."
              >
                <ConsentStep
                  columns={chosen.taken.columns}
                  value={choices.consent}
                  onChange={(consent) => setChoices({ ...choices, consent })}
                />
              </Card>
              <Card title="4. List and country">
                <TargetStep
                  columns={chosen.taken.columns}
                  lists={lists.data?.data ?? []}
                  value={choices.target}
                  onChange={(target) => setChoices({ ...choices, target })}
                />
              </Card>
              <div className={css.foot}>
                <span role="status">
                  {problem ?? 'Next you see what would happen. Nothing is changed yet.'}
                </span>
                <Button
                  size="md"
                  onClick={() => void start('dry_run')}
                  loading={busy}
                  disabled={problem !== null}
                  data-testid="import-start"
                >
                  Check {chosen.taken.row_count.toLocaleString()} rows
                </Button>
              </div>
            </>
          )}
        </Stack>
      )}
    </Page>
  );
}

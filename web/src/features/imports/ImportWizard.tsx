import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ImportFile, ImportMode } from '@/api/types';
import { counted } from '@/lib/counted';
import { mappingProblem } from '@/lib/csv-mapping';
import { useUnsaved } from '@/lib/unsaved';
import { useLive } from '@/live';
import { Button, Card, Failure, Notice } from '@/ui';
import { fetchLists, startImport, uploadFile } from './api';
import { consentProblem, firstChoices, optionsOf, type Choices } from './choice';
import { ConsentStep } from './ConsentStep';
import { ImportPage } from './ImportPage';
import css from './imports.module.css';
import { MappingTable } from './MappingTable';
import { TargetStep } from './TargetStep';
import { useImport } from './use-import';

interface Chosen {
  file: File;
  taken: ImportFile;
}

/** File, columns, consent and list on one page; then what would happen; then the import. */
export function ImportWizard() {
  const country = useLive(({ workspace }) => workspace?.country ?? 'US');
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [choices, setChoices] = useState<Choices | null>(null);
  const letGo = useUnsaved('The import', chosen === null ? 'saved' : 'unsaved');
  const steps = useImport(letGo);
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const choose = (file: File) =>
    steps.working(async () => {
      const taken = await uploadFile(file);
      setChosen({ file, taken });
      setChoices(firstChoices(taken, country));
    });
  const start = async (mode: ImportMode) => {
    if (chosen === null || choices === null) return;
    const options = optionsOf(choices, chosen.file.name);
    await steps.begin(mode, () => startImport(chosen.taken.id, mode, options));
  };

  const problem =
    choices === null ? null : (mappingProblem(choices.mapping) ?? consentProblem(choices.consent));
  return (
    <ImportPage
      title="Import contacts"
      back={<Link to="/contacts">← Contacts</Link>}
      steps={steps}
      file={chosen?.file ?? null}
      isTaken={choices !== null}
      onFile={(file) => void choose(file)}
      onImport={() => void start('import')}
    >
      {chosen !== null && choices !== null && (
        <>
          <Card
            title="2. Columns"
            description={`${counted(chosen.taken.row_count, 'row', 'rows')}. Check what each column becomes.`}
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
            {lists.data === undefined && lists.isError && (
              <Failure error={lists.error} onRetry={() => void lists.refetch()} />
            )}
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
              loading={steps.busy}
              disabled={problem !== null}
              data-testid="import-start"
            >
              Check {counted(chosen.taken.row_count, 'row', 'rows')}
            </Button>
          </div>
        </>
      )}
    </ImportPage>
  );
}

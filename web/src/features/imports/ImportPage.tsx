import type { ReactNode } from 'react';
import { Card, Page, Stack } from '@/ui';
import { DryRun } from './DryRun';
import { FileDrop } from './FileDrop';
import type { ImportSteps } from './use-import';

interface ImportPageProps {
  title: string;
  back: ReactNode;
  steps: ImportSteps;
  file: File | null;
  /** Whether the file is here and read, so that the steps after it can be shown. */
  isTaken: boolean;
  onFile: (file: File) => void;
  onImport: () => void;
  /** What follows the file. */
  children: ReactNode;
}

/** The page of an import: the file and what follows it, then what would happen. */
export function ImportPage({
  title,
  back,
  steps: { busy, dryRunId, ...steps },
  file,
  isTaken,
  onFile,
  onImport,
  children,
}: ImportPageProps) {
  return (
    <Page title={title} width="narrow" back={back}>
      {dryRunId !== null ? (
        <DryRun
          importId={dryRunId}
          busy={busy ? 'yes' : 'no'}
          onImport={onImport}
          onBack={steps.back}
        />
      ) : (
        <Stack>
          <Card
            title="1. File"
            description="CSV or Excel (.xlsx), with the names of the columns in the first row."
          >
            <FileDrop file={file} busy={busy && !isTaken ? 'yes' : 'no'} onFile={onFile} />
          </Card>
          {isTaken && children}
        </Stack>
      )}
    </Page>
  );
}

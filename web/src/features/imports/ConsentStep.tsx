import type { ImportColumn } from '@/api/types';
import { CLAIMABLE_METHODS } from '@/lib/consent';
import { Notice, SelectField, Stack, TextArea, TextField } from '@/ui';
import type { ConsentChoice } from './choice';
import { ColumnSelect } from './ColumnSelect';
import css from './imports.module.css';

interface ConsentStepProps {
  columns: ImportColumn[];
  value: ConsentChoice;
  onChange: (value: ConsentChoice) => void;
}

export function ConsentStep({ columns, value, onChange }: ConsentStepProps) {
  const set = (change: Partial<ConsentChoice>) => onChange({ ...value, ...change });
  return (
    <Stack gap={12}>
      <div className={css.two}>
        <SelectField
          label="Who of this file agreed to get texts?"
          value={value.kind}
          onChange={(event) => set({ kind: event.currentTarget.value as ConsentChoice['kind'] })}
          data={[
            { value: 'none', label: 'Nobody, or I do not know' },
            { value: 'column', label: 'A column says so' },
            { value: 'all', label: 'Everyone in the file' },
          ]}
          data-testid="consent-kind"
        />
        {value.kind === 'column' && (
          <ColumnSelect
            label="Column that says who agreed"
            columns={columns}
            value={value.column}
            none="Choose a column"
            onChange={(column) => set({ column })}
            testId="consent-column"
          />
        )}
      </div>
      {value.kind === 'none' ? (
        <Notice tone="info">
          The contacts are imported, but campaigns leave them out until a consent is recorded.
        </Notice>
      ) : (
        <>
          <TextArea
            label="Wording"
            description="The sentence they agreed to, word for word."
            rows={2}
            value={value.wording}
            onChange={(event) => set({ wording: event.currentTarget.value })}
            data-testid="import-wording"
          />
          <div className={css.two}>
            <SelectField
              label="How they agreed"
              value={value.method}
              onChange={(event) => set({ method: event.currentTarget.value })}
              data={CLAIMABLE_METHODS}
            />
            <TextField
              label="Proof"
              description="Where it can be found."
              value={value.proof}
              onChange={(event) => set({ proof: event.currentTarget.value })}
              data-testid="import-proof"
            />
          </div>
          <details
            className={css.more}
            open={[
              value.wordingColumn,
              value.proofColumn,
              value.dateColumn,
              value.expiresColumn,
            ].some((name) => name !== '')}
          >
            <summary>Each row brings its own evidence</summary>
            <div className={css.two}>
              <ColumnSelect
                label="Column with the wording"
                columns={columns}
                value={value.wordingColumn}
                onChange={(wordingColumn) => set({ wordingColumn })}
              />
              <ColumnSelect
                label="Column with the proof"
                columns={columns}
                value={value.proofColumn}
                onChange={(proofColumn) => set({ proofColumn })}
              />
              <ColumnSelect
                label="Column with the date of consent"
                columns={columns}
                value={value.dateColumn}
                onChange={(dateColumn) => set({ dateColumn })}
              />
              <ColumnSelect
                label="Column with the end of consent"
                columns={columns}
                value={value.expiresColumn}
                onChange={(expiresColumn) => set({ expiresColumn })}
              />
            </div>
          </details>
        </>
      )}
      <div className={css.two}>
        <ColumnSelect
          label="Column that says who opted out"
          description="An opt-out is always taken, and needs no proof. Any entry counts but “no” and the like, a date too."
          columns={columns}
          value={value.optOutColumn}
          onChange={(optOutColumn) => set({ optOutColumn })}
          testId="opt-out-column"
        />
      </div>
    </Stack>
  );
}

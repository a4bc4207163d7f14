import type { ImportPreview } from '@/api/types';
import { CLAIMABLE_METHODS } from '@/lib/consent';
import { Notice, SelectField, Stack, TextArea, TextField } from '@/ui';
import css from './imports.module.css';

export interface ConsentChoice {
  kind: 'none' | 'all' | 'column';
  column: string;
  wording: string;
  method: string;
  proof: string;
}

export function consentProblem(choice: ConsentChoice): string | null {
  if (choice.kind === 'none') return null;
  if (choice.kind === 'column' && choice.column === '')
    return 'Choose the column that says who agreed.';
  return choice.wording.trim() === '' && choice.proof.trim() === ''
    ? 'Give the wording people agreed to, or say where the proof is kept.'
    : null;
}

interface ConsentStepProps {
  columns: ImportPreview['columns'];
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
          <SelectField
            label="Column"
            value={value.column}
            onChange={(event) => set({ column: event.currentTarget.value })}
            data={[
              { value: '', label: 'Choose a column' },
              ...columns.map((column) => column.name),
            ]}
            data-testid="consent-column"
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
        </>
      )}
    </Stack>
  );
}

import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { keys } from '@/api/query-keys';
import { Button, notify, Row } from '@/ui';
import css from './setup.module.css';
import { fileStep, formStep } from './flow-steps';
import { fetchForms, uploadExample } from './templates/api';

interface FlowStepsProps {
  /** Writes a step behind the one that the cursor is in. */
  onInsert: (step: (source: string) => string[]) => void;
}

/** Files and forms, which a flow names by what they are called here: uploaded or chosen, and written as a step. */
export function FlowSteps({ onInsert }: FlowStepsProps) {
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const file = useRef<HTMLInputElement>(null);
  const query = useQuery({ queryKey: keys.forms, queryFn: ({ signal }) => fetchForms(signal) });
  const published = (query.data?.data ?? []).filter((form) => form.status === 'PUBLISHED');
  const names = [...new Set(published.map((form) => form.name))].sort();
  // Chosen first and added then: arrow keys go through a list by choosing.
  const [chosen, setChosen] = useState('');
  const name = names.includes(chosen) ? chosen : names[0];
  const upload = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadExample(chosen);
      onInsert((source) => fileStep(source, media));
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
      if (file.current !== null) file.current.value = '';
    }
  };
  return (
    <Row>
      <input
        ref={file}
        type="file"
        hidden
        aria-label="File for the flow"
        data-testid="flow-file"
        onChange={(event) => void upload(event.target.files?.[0])}
      />
      <Button
        emphasis="secondary"
        size="xs"
        loading={busy === 'uploading'}
        onClick={() => file.current?.click()}
        data-testid="flow-add-file"
      >
        Add a file…
      </Button>
      <select
        className={css.insert}
        value={name ?? ''}
        disabled={name === undefined}
        aria-label="Form to add"
        data-testid="flow-form"
        onChange={(event) => setChosen(event.target.value)}
      >
        {name === undefined && <option value="">No published form to add</option>}
        {names.map((each) => (
          <option key={each} value={each}>
            {each.replaceAll('_', ' ')}
          </option>
        ))}
      </select>
      <Button
        emphasis="secondary"
        size="xs"
        disabled={name === undefined}
        onClick={() => name !== undefined && onInsert((source) => formStep(source, name))}
        data-testid="flow-add-form"
      >
        Add the form
      </Button>
    </Row>
  );
}

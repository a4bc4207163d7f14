import { IconForms, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { AttributeDefinition } from '@/api/types';
import { isSameField } from '@/lib/field-words';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  Dialog,
  DialogActions,
  EmptyState,
  Failure,
  notify,
  Page,
  SelectField,
  SkeletonRows,
  Stack,
  TextArea,
  TextField,
} from '@/ui';
import { defineAttribute, fetchAttributes, forgetAttribute } from './api';

const KINDS: { value: AttributeDefinition['kind']; label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'date', label: 'Date' },
  { value: 'boolean', label: 'Yes or no' },
  { value: 'choice', label: 'One of a few words' },
];

/** What the contacts' own fields of this workspace are. */
export function FieldList() {
  const cache = useQueryClient();
  const [editing, setEditing] = useState<AttributeDefinition | 'new' | null>(null);
  const [removing, setRemoving] = useState<AttributeDefinition | null>(null);
  const query = useQuery({
    queryKey: keys.attributes,
    queryFn: ({ signal }) => fetchAttributes(signal),
  });
  const fields = query.data?.data ?? [];
  const refresh = () => void cache.invalidateQueries({ queryKey: keys.attributes });
  const add = (
    <Button
      leftSection={<IconPlus size={16} />}
      onClick={() => setEditing('new')}
      data-testid="field-new"
    >
      New field
    </Button>
  );
  return (
    <Page
      title="Fields"
      subtitle="What you keep about contacts besides name, phone and email."
      width="narrow"
      back={<Link to="/contacts">← Contacts</Link>}
      actions={fields.length > 0 ? add : undefined}
    >
      <Card padding="none">
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && fields.length === 0 && (
          <EmptyState icon={<IconForms size={26} />} title="No fields defined" action={add}>
            Any column of an import can become a field. Define one here to have its values checked:
            as a number, a date, yes or no, or one of a few words.
          </EmptyState>
        )}
        {fields.length > 0 && (
          <DataTable
            label="Fields"
            rows={fields}
            rowKey={(each) => each.name}
            rowTestId="field-row"
            columns={[
              { key: 'label', title: 'Field', render: (each) => <strong>{each.label}</strong> },
              {
                key: 'kind',
                title: 'Holds',
                render: (each) =>
                  each.kind === 'choice'
                    ? each.choices.join(', ')
                    : KINDS.find((kind) => kind.value === each.kind)?.label,
              },
              {
                key: 'name',
                title: 'In texts',
                priority: 'wide',
                render: (each) => <code>{`{{ ${each.name} }}`}</code>,
              },
              {
                key: 'actions',
                title: 'Actions',
                align: 'end',
                render: (each) => (
                  <>
                    <Button size="xs" emphasis="quiet" onClick={() => setEditing(each)}>
                      Change
                    </Button>
                    <Button size="xs" emphasis="quiet" onClick={() => setRemoving(each)}>
                      Remove
                    </Button>
                  </>
                ),
              },
            ]}
          />
        )}
      </Card>
      {editing !== null && (
        <FieldDialog
          field={editing === 'new' ? null : editing}
          defined={fields}
          onClose={() => setEditing(null)}
          onSaved={() => {
            setEditing(null);
            refresh();
          }}
        />
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove the field “${removing.label}”?`}
          confirmLabel="Remove"
          onConfirm={() => forgetAttribute(removing.name).then(refresh)}
          onClose={() => setRemoving(null)}
        >
          <p>The values of the contacts stay; they are free text from now on.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

interface FieldDialogProps {
  field: AttributeDefinition | null;
  /** Those that are there. */
  defined: AttributeDefinition[];
  onClose: () => void;
  onSaved: () => void;
}

function FieldDialog({ field, defined, onClose, onSaved }: FieldDialogProps) {
  const [label, setLabel] = useState(field?.label ?? '');
  const [kind, setKind] = useState<AttributeDefinition['kind']>(field?.kind ?? 'text');
  const [choices, setChoices] = useState(field?.choices.join('\n') ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const words = (name: string) =>
    problem instanceof ApiError ? problem.fieldMessage(name) : undefined;
  // Defining a name again changes the field that has it.
  const taken =
    field === null
      ? defined.find((each) => isSameField(label, each.name) || isSameField(label, each.label))
      : undefined;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (taken !== undefined) return;
    setBusy(true);
    try {
      await defineAttribute({
        label,
        kind,
        choices: kind === 'choice' ? choices.split('\n').filter((each) => each.trim() !== '') : [],
      });
      onSaved();
    } catch (error) {
      setProblem(error);
      if (!(error instanceof ApiError) || error.fields.length === 0) notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={field === null ? 'New field' : 'Change field'} onClose={onClose} size="sm">
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          <TextField
            label="Name"
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
            readOnly={field !== null}
            error={
              taken === undefined
                ? words('label')
                : `There is already a field “${taken.label}”. Change it in the list, or give this one another name.`
            }
            data-autofocus
            data-testid="field-label"
          />
          <SelectField
            label="Holds"
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as AttributeDefinition['kind'])}
            data={KINDS}
            data-testid="field-kind"
          />
          {kind === 'choice' && (
            <TextArea
              label="Words"
              description="One per line."
              rows={5}
              value={choices}
              onChange={(event) => setChoices(event.currentTarget.value)}
              error={words('choices')}
              data-testid="field-choices"
            />
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={label.trim() === '' || taken !== undefined}
            data-testid="field-save"
          >
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

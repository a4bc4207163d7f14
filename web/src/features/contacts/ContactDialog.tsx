import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { AttributeDefinition, Contact } from '@/api/types';
import { changesOf } from '@/lib/changes';
import {
  Button,
  DateField,
  Dialog,
  DialogActions,
  Failure,
  notify,
  SelectField,
  Stack,
  TextField,
  type Typed,
} from '@/ui';
import { changeContact, createContact, fetchAttributes, type ContactInput } from './api';
import css from './contacts.module.css';

interface ContactDialogProps {
  contact: Contact | null;
  onClose: () => void;
  onSaved: (contact: Contact) => void;
}

/** What the fields begin with, as it is read from them. */
function basics(contact: Contact) {
  const known = (text: string | null) => {
    const trimmed = (text ?? '').trim();
    return trimmed === '' ? null : trimmed;
  };
  return {
    phone: known(contact.phone),
    first_name: known(contact.first_name),
    last_name: known(contact.last_name),
    email: known(contact.email),
    external_key: known(contact.external_key),
  };
}

export function ContactDialog({ contact: given, onClose, onSaved }: ContactDialogProps) {
  // As it was when the dialog opened: what the fields began with.
  const [contact] = useState(given);
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const attributes = useQuery({
    queryKey: keys.attributes,
    queryFn: ({ signal }) => fetchAttributes(signal),
  });
  const definitions = attributes.data?.data ?? [];
  const [half, setHalf] = useState<string[]>([]);
  const put = (name: string, typed: Typed) =>
    setHalf((names) => [
      ...names.filter((each) => each !== name),
      ...(typed === 'half' ? [name] : []),
    ]);
  const fieldProblem = (name: string) =>
    problem instanceof ApiError ? problem.fieldMessage(name) : undefined;
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string) => {
      const text = String(form.get(name) ?? '').trim();
      return text === '' ? null : text;
    };
    const typed = {
      phone: value('phone'),
      first_name: value('first_name'),
      last_name: value('last_name'),
      email: value('email'),
      external_key: value('external_key'),
    };
    // Fields that show what is stored are not sent: it may have changed meanwhile.
    const all: ContactInput = contact === null ? typed : changesOf(basics(contact), typed);
    const changed = definitions
      .map(({ name }) => [name, value(`attribute.${name}`)] as const)
      .filter(([name, text]) => text !== (contact?.attributes[name] ?? null));
    if (changed.length > 0) all.attributes = Object.fromEntries(changed);
    setBusy(true);
    try {
      // A new contact is sent without the fields nobody filled in.
      const filled = Object.fromEntries(Object.entries(all).filter(([, each]) => each !== null));
      const saved =
        contact === null ? await createContact(filled) : await changeContact(contact.id, all);
      void cache.invalidateQueries({ queryKey: keys.contacts });
      onClose();
      onSaved(saved);
    } catch (error) {
      setProblem(error);
      if (!(error instanceof ApiError) || error.fields.length === 0) notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={contact === null ? 'New contact' : 'Change contact'} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          <div className={css.two}>
            <TextField
              label="First name"
              name="first_name"
              defaultValue={contact?.first_name ?? ''}
              error={fieldProblem('first_name')}
              data-autofocus
            />
            <TextField
              label="Last name"
              name="last_name"
              defaultValue={contact?.last_name ?? ''}
              error={fieldProblem('last_name')}
            />
          </div>
          <TextField
            label="Phone"
            description="With country code, e.g. +1 555 010 0123."
            name="phone"
            type="tel"
            defaultValue={contact?.phone ?? ''}
            error={fieldProblem('phone')}
          />
          <TextField
            label="Email"
            name="email"
            type="email"
            defaultValue={contact?.email ?? ''}
            error={fieldProblem('email')}
          />
          <TextField
            label="External key"
            description="What another system calls this person."
            name="external_key"
            defaultValue={contact?.external_key ?? ''}
            error={fieldProblem('external_key')}
          />
          {definitions.map((definition) => (
            <AttributeField
              key={definition.name}
              definition={definition}
              value={contact?.attributes[definition.name] ?? ''}
              onTyped={(typed) => put(definition.name, typed)}
            />
          ))}
          {attributes.data === undefined && attributes.isError && (
            <Failure error={attributes.error} onRetry={() => void attributes.refetch()} />
          )}
          {fieldProblem('attributes') !== undefined && (
            <p className={css.problem} role="alert">
              {fieldProblem('attributes')}
            </p>
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={half.length > 0}
            data-testid="contact-save"
          >
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

interface AttributeFieldProps {
  definition: AttributeDefinition;
  value: string;
  /** Told when a date is half typed, and when it is whole again. */
  onTyped: (typed: Typed) => void;
}

/** A field for a defined attribute, as its kind asks for. */
function AttributeField({ definition, value, onTyped }: AttributeFieldProps) {
  const [day, setDay] = useState(value);
  const name = `attribute.${definition.name}`;
  const { kind, label, choices } = definition;
  if (kind === 'boolean' || kind === 'choice') {
    const options =
      kind === 'boolean'
        ? [
            { value: 'true', label: 'Yes' },
            { value: 'false', label: 'No' },
          ]
        : choices.map((choice) => ({ value: choice, label: choice }));
    const known = value === '' || options.some((option) => option.value === value);
    return (
      <SelectField
        label={label}
        name={name}
        defaultValue={value}
        data={[
          { value: '', label: 'Nothing' },
          ...options,
          ...(known ? [] : [{ value, label: value }]),
        ]}
      />
    );
  }
  if (kind === 'date' && (value === '' || /^\d{4}-\d{2}-\d{2}$/.test(value))) {
    return (
      <>
        <DateField label={label} type="date" value={day} onDate={setDay} onTyped={onTyped} />
        <input type="hidden" name={name} value={day} />
      </>
    );
  }
  return (
    <TextField
      label={label}
      name={name}
      inputMode={kind === 'number' ? 'decimal' : undefined}
      defaultValue={value}
    />
  );
}

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import type { Contact } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { useDebounced } from '@/lib/use-debounced';
import { SelectField, Stack, TextField } from '@/ui';
import { searchContacts } from './api';
import type { Reader } from './SegmentCounter';
import css from './texts.module.css';

interface PreviewAsProps {
  reader: Reader;
  onChange: (reader: Reader) => void;
  /** Merge fields that the texts use. */
  fields: string[];
}

const nameOf = (contact: Contact) =>
  [
    contact.first_name,
    contact.last_name,
    contact.phone === null ? null : formatPhone(contact.phone),
  ]
    .filter((each) => each !== null && each !== '')
    .join(' ');

/** Chooses the contact whose text the preview shows, or somebody made up. */
export function PreviewAs({ reader, onChange, fields }: PreviewAsProps) {
  const [search, setSearch] = useState('');
  const settled = useDebounced(search, 250);
  const contacts = useQuery({
    queryKey: ['contacts', 'preview-as', settled],
    queryFn: ({ signal }) => searchContacts(settled, signal),
    staleTime: 60_000,
  });
  // Who was chosen stays to be seen while somebody else is looked for.
  const [chosen, setChosen] = useState<Contact | null>(null);
  const here = contacts.data?.data ?? [];
  const isAway =
    chosen !== null && chosen.id === reader.contact_id && !here.some(({ id }) => id === chosen.id);
  const found = isAway ? [chosen, ...here] : here;
  const person = reader.person;
  const value = person === undefined ? (reader.contact_id ?? '') : 'made-up';
  return (
    <Stack gap={8}>
      <TextField
        label="Show the text of"
        placeholder="Search by name or number"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        error={contacts.isError ? errorWords(contacts.error).message : null}
      />
      <SelectField
        aria-label="Contact"
        value={value}
        onChange={(event) => {
          const next = event.currentTarget.value;
          setChosen(found.find(({ id }) => id === next) ?? null);
          if (next === '') onChange({});
          else if (next === 'made-up') onChange({ person: { fields: {} } });
          else onChange({ contact_id: next });
        }}
        data={[
          { value: '', label: 'A sample customer' },
          { value: 'made-up', label: 'Somebody I make up' },
          ...found.map((contact) => ({
            value: contact.id,
            label: nameOf(contact),
          })),
        ]}
        data-testid="preview-as"
      />
      {person !== undefined && (
        <div className={css.fields} role="group" aria-label="Test data">
          <TextField
            label="Language"
            placeholder="de"
            value={person.locale ?? ''}
            onChange={(event) => {
              const locale = event.currentTarget.value.trim();
              onChange({
                person: { fields: person.fields, ...(locale === '' ? {} : { locale }) },
              });
            }}
            data-testid="test-locale"
          />
          {fields
            .filter((field) => field !== 'locale')
            .map((field) => (
              <TextField
                key={field}
                label={field}
                value={person.fields[field] ?? ''}
                onChange={(event) =>
                  onChange({
                    person: {
                      ...person,
                      fields: { ...person.fields, [field]: event.currentTarget.value },
                    },
                  })
                }
                data-testid={`test-${field}`}
              />
            ))}
        </div>
      )}
    </Stack>
  );
}

import type { ContactList, ImportColumn } from '@/api/types';
import { SelectField, TextField } from '@/ui';
import type { Target } from './choice';
import { ColumnSelect } from './ColumnSelect';
import css from './imports.module.css';

const COUNTRIES = [
  'US',
  'CA',
  'MX',
  'BR',
  'GB',
  'IE',
  'DE',
  'AT',
  'CH',
  'FR',
  'ES',
  'PT',
  'IT',
  'NL',
  'BE',
  'PL',
  'SE',
  'TR',
  'AE',
  'IN',
  'SG',
  'AU',
  'NZ',
  'ZA',
];
const names = new Intl.DisplayNames(undefined, { type: 'region' });

interface TargetStepProps {
  columns: ImportColumn[];
  lists: ContactList[];
  value: Target;
  onChange: (value: Target) => void;
}

export function TargetStep({ columns, lists, value, onChange }: TargetStepProps) {
  const set = (change: Partial<Target>) => onChange({ ...value, ...change });
  return (
    <div className={css.two}>
      <SelectField
        label="Put them into"
        value={value.listId}
        onChange={(event) => set({ listId: event.currentTarget.value })}
        data={[
          { value: '', label: 'A new list' },
          ...lists.map((list) => ({ value: list.id, label: list.name })),
        ]}
        data-testid="import-list"
      />
      {value.listId === '' && (
        <TextField
          label="Name of the new list"
          value={value.listName}
          onChange={(event) => set({ listName: event.currentTarget.value })}
          data-testid="import-list-name"
        />
      )}
      <SelectField
        label="Country of numbers without a code"
        value={value.country}
        onChange={(event) => set({ country: event.currentTarget.value })}
        data={[...new Set([value.country, ...COUNTRIES])].map((code) => ({
          value: code,
          label: names.of(code) ?? code,
        }))}
        data-testid="import-country"
      />
      <ColumnSelect
        label="Column with the country code"
        description="Two letters, such as US or DE."
        columns={columns}
        value={value.countryColumn}
        onChange={(countryColumn) => set({ countryColumn })}
      />
    </div>
  );
}

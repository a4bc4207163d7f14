import type { ImportColumn } from '@/api/types';
import { attributeName, CONTACT_FIELDS } from '@/lib/csv-mapping';
import { DataTable, SelectField } from '@/ui';
import css from './imports.module.css';

interface MappingTableProps {
  columns: ImportColumn[];
  mapping: Record<string, string>;
  onChange: (mapping: Record<string, string>) => void;
}

export function MappingTable({ columns, mapping, onChange }: MappingTableProps) {
  return (
    <DataTable
      label="Columns of the file"
      rows={columns}
      rowKey={(column) => column.name}
      columns={[
        { key: 'name', title: 'Column', render: (column) => <strong>{column.name}</strong> },
        {
          key: 'samples',
          title: 'Examples',
          priority: 'wide',
          render: (column) => (
            <span className={css.samples}>{column.samples.slice(0, 3).join(', ')}</span>
          ),
        },
        {
          key: 'field',
          title: 'Becomes',
          width: '250px',
          render: (column) => {
            const attribute = attributeName(column.name);
            const current = mapping[column.name] ?? '';
            const known = CONTACT_FIELDS.some((field) => field.value === current);
            return (
              <SelectField
                size="xs"
                aria-label={`What ${column.name} becomes`}
                value={current}
                onChange={(event) =>
                  onChange({ ...mapping, [column.name]: event.currentTarget.value })
                }
                data={[
                  { value: '', label: 'Leave out' },
                  ...CONTACT_FIELDS,
                  ...(attribute === '' || CONTACT_FIELDS.some((field) => field.value === attribute)
                    ? []
                    : [{ value: attribute, label: `Attribute “${attribute}”` }]),
                  ...(current !== '' && !known && current !== attribute
                    ? [{ value: current, label: `Attribute “${current}”` }]
                    : []),
                ]}
                data-testid={`mapping-${column.name}`}
              />
            );
          },
        },
      ]}
    />
  );
}

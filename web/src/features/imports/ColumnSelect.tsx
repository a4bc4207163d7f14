import type { ImportColumn } from '@/api/types';
import { SelectField } from '@/ui';

interface ColumnSelectProps {
  label: string;
  description?: string;
  columns: ImportColumn[];
  value: string;
  /** What stands there while no column is chosen. */
  none?: string;
  onChange: (name: string) => void;
  testId?: string;
}

export function ColumnSelect(props: ColumnSelectProps) {
  const { label, description, columns, value, none = 'None', onChange, testId } = props;
  return (
    <SelectField
      label={label}
      {...(description === undefined ? {} : { description })}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data={[{ value: '', label: none }, ...columns.map((column) => column.name)]}
      data-testid={testId}
    />
  );
}

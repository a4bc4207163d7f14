import { useState } from 'react';
import { Button, CheckField, Dialog, DialogActions, Stack } from '@/ui';
import type { ContactColumn } from './columns';

interface ColumnDialogProps {
  columns: ContactColumn[];
  chosen: string[];
  onClose: () => void;
  onChoose: (chosen: string[]) => void;
}

/** Which columns the table shows; chosen ones keep their order. */
export function ColumnDialog({ columns, chosen, onClose, onChoose }: ColumnDialogProps) {
  const [keys, setKeys] = useState(chosen);
  return (
    <Dialog title="Columns" onClose={onClose} size="sm">
      <Stack gap={8}>
        {columns.map((column) => (
          <CheckField
            key={column.key}
            label={column.title}
            checked={keys.includes(column.key)}
            onChange={() =>
              setKeys(
                keys.includes(column.key)
                  ? keys.filter((key) => key !== column.key)
                  : [...keys, column.key],
              )
            }
          />
        ))}
      </Stack>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Cancel
        </Button>
        <Button onClick={() => onChoose(keys)} data-testid="columns-save">
          Show these
        </Button>
      </DialogActions>
    </Dialog>
  );
}

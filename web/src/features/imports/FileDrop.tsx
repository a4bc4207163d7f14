import { IconFileSpreadsheet } from '@tabler/icons-react';
import { useState, type DragEvent } from 'react';
import css from './imports.module.css';

interface FileDropProps {
  file: File | null;
  busy: 'yes' | 'no';
  onFile: (file: File) => void;
}

export function FileDrop({ file, busy, onFile }: FileDropProps) {
  const [over, setOver] = useState<'yes' | 'no'>('no');
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver('no');
    const dropped = event.dataTransfer.files[0];
    if (dropped !== undefined) onFile(dropped);
  };
  return (
    <label
      className={css.drop}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver('yes');
      }}
      onDragLeave={() => setOver('no')}
      onDrop={onDrop}
    >
      <IconFileSpreadsheet size={26} stroke={1.5} aria-hidden="true" />
      <span>
        <strong>{busy === 'yes' ? 'Reading the file…' : (file?.name ?? 'Choose a file')}</strong>
        <small>{file === null ? 'or drop it here' : 'Choose another file to start over'}</small>
      </span>
      <input
        type="file"
        accept=".csv,.tsv,.txt,.xlsx,text/csv,text/plain,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        aria-label="CSV or Excel file"
        data-testid="import-file"
        onChange={(event) => {
          const selected = event.target.files?.[0];
          event.target.value = '';
          if (selected !== undefined) onFile(selected);
        }}
      />
    </label>
  );
}

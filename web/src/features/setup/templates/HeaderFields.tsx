import { useState } from 'react';
import type { TemplateHeader, TemplateParts } from '@/api/template-types';
import { notify, SelectField, Stack, TextField } from '@/ui';
import { uploadExample } from './api';
import css from './templates.module.css';
import { placeholders } from './words';

const FORMATS = [
  { value: 'none', label: 'None' },
  { value: 'text', label: 'Text' },
  { value: 'image', label: 'Picture' },
  { value: 'video', label: 'Video' },
  { value: 'document', label: 'Document' },
  { value: 'location', label: 'Place' },
];

const ACCEPT = { image: 'image/jpeg,image/png', video: 'video/mp4', document: 'application/pdf' };

interface HeaderFieldsProps {
  parts: TemplateParts;
  problem: (field: string) => string | undefined;
  onChange: (header: TemplateHeader | null) => void;
}

export function HeaderFields({ parts, problem, onChange }: HeaderFieldsProps) {
  const { header } = parts;
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const choose = (format: string) => {
    if (format === 'text') onChange({ format, text: '', sample: null });
    else if (format === 'image' || format === 'video' || format === 'document') {
      onChange({ format, media_id: null });
    } else onChange(format === 'location' ? { format } : null);
  };
  const upload = async (format: 'image' | 'video' | 'document', file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadExample(file);
      onChange({ format, media_id: media.id });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  return (
    <Stack gap={12}>
      <SelectField
        label="Header"
        data={FORMATS}
        value={header?.format ?? 'none'}
        onChange={(event) => choose(event.currentTarget.value)}
        data-testid="template-header-format"
      />
      {header?.format === 'text' && (
        <TextField
          label="Heading"
          description="At most 60 characters and one variable."
          value={header.text}
          error={problem('header.text')}
          onChange={(event) => onChange({ ...header, text: event.currentTarget.value })}
        />
      )}
      {header?.format === 'text' && placeholders(header.text).length > 0 && (
        <TextField
          label="Example for the heading"
          value={header.sample ?? ''}
          error={problem('header.sample')}
          onChange={(event) => onChange({ ...header, sample: event.currentTarget.value })}
        />
      )}
      {(header?.format === 'image' ||
        header?.format === 'video' ||
        header?.format === 'document') && (
        <label className={css.file}>
          <span>
            {typeof header.media_id === 'string'
              ? 'An example is chosen. It is also sent when the sender chooses none.'
              : 'Example for WhatsApp’s review'}
          </span>
          <input
            type="file"
            accept={ACCEPT[header.format]}
            disabled={busy === 'uploading'}
            onChange={(event) => void upload(header.format, event.currentTarget.files?.[0])}
            data-testid="template-header-file"
          />
          {problem('header.media_id') !== undefined && (
            <span className={css.problem}>{problem('header.media_id')}</span>
          )}
        </label>
      )}
    </Stack>
  );
}

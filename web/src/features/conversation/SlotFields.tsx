import { useState } from 'react';
import type { FilledTemplate } from '@/api/template-types';
import { notify, TextField } from '@/ui';
import { uploadMedia } from './api';
import css from './composer.module.css';
import type { Filling } from './template-filling';

const ACCEPT: Record<string, string> = {
  image: 'image/jpeg,image/png',
  video: 'video/mp4',
  document: 'application/pdf,text/plain',
};

const PLACE: [keyof Filling['place'], string][] = [
  ['latitude', 'Latitude'],
  ['longitude', 'Longitude'],
  ['name', 'Name of the place'],
  ['address', 'Address'],
];

interface SlotFieldsProps {
  template: FilledTemplate;
  filling: Filling;
  onChange: (filling: Filling) => void;
}

/** A field for everything the template takes: values, a file or a place above, ends of links. */
export function SlotFields({ template, filling, onChange }: SlotFieldsProps) {
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadMedia(file);
      onChange({ ...filling, file: { id: media.id, name: file.name } });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  if (template.slots.length === 0) return null;
  return (
    <div className={css.fields}>
      {template.slots.map((slot) => {
        if (slot.kind === 'file') {
          return (
            <label key={slot.key} className={css.slotFile}>
              <span>{slot.label}</span>
              <input
                type="file"
                accept={ACCEPT[template.header_format ?? '']}
                disabled={busy === 'uploading'}
                onChange={(event) => void upload(event.currentTarget.files?.[0])}
                data-testid="template-file"
              />
              <small>
                {filling.file === null
                  ? 'Choose a file.'
                  : (filling.file.name ?? 'The template’s own file goes along.')}
              </small>
            </label>
          );
        }
        if (slot.kind === 'place') {
          return PLACE.map(([part, label]) => (
            <TextField
              key={part}
              label={label}
              value={filling.place[part]}
              onChange={(event) =>
                onChange({
                  ...filling,
                  place: { ...filling.place, [part]: event.currentTarget.value },
                })
              }
            />
          ));
        }
        return (
          <TextField
            key={slot.key}
            label={slot.kind === 'text' ? `Value for ${slot.label}` : slot.label}
            placeholder={slot.sample ?? ''}
            value={filling.values[slot.key] ?? ''}
            data-testid="template-parameter"
            onChange={(event) =>
              onChange({
                ...filling,
                values: { ...filling.values, [slot.key]: event.currentTarget.value },
              })
            }
          />
        );
      })}
    </div>
  );
}

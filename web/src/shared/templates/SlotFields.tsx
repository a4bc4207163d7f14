import { useEffect, useRef, useState } from 'react';
import type { FilledTemplate, TemplateSlot } from '@/api/template-types';
import { DateField, notify, TextField } from '@/ui';
import { uploadMedia } from './api';
import type { Filling } from './template-filling';
import css from './templates.module.css';

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
  onChange: (change: (filling: Filling) => Filling) => void;
}

/** A field for everything the template takes: values, files, a place above, ends of links, the end of an offer. */
export function SlotFields({ template, filling, onChange }: SlotFieldsProps) {
  if (template.slots.length === 0) return null;
  const own = template.slots.filter((slot) => !slot.key.startsWith('card.'));
  const field = (slot: TemplateSlot, format: string | null) => (
    <SlotField key={slot.key} slot={slot} format={format} filling={filling} onChange={onChange} />
  );
  return (
    <>
      {own.length > 0 && (
        <div className={css.fields}>{own.map((slot) => field(slot, template.header_format))}</div>
      )}
      {template.cards.map((card, index) => (
        <fieldset key={index} className={css.slotCard} data-testid="template-slot-card">
          <legend>Card {index + 1}</legend>
          <div className={css.fields}>
            {template.slots
              .filter((slot) => slot.key.startsWith(`card.${index}.`))
              .map((slot) => field(slot, card.header_format))}
          </div>
        </fieldset>
      ))}
    </>
  );
}

interface SlotFieldProps {
  slot: TemplateSlot;
  format: string | null;
  filling: Filling;
  onChange: SlotFieldsProps['onChange'];
}

function SlotField({ slot, format, filling, onChange }: SlotFieldProps) {
  if (slot.kind === 'file') {
    return <SlotFile slot={slot} format={format} filling={filling} onChange={onChange} />;
  }
  if (slot.kind === 'place') {
    return PLACE.map(([part, label]) => (
      <TextField
        key={part}
        label={label}
        value={filling.place[part]}
        onChange={(event) => {
          const said = event.currentTarget.value;
          onChange((now) => ({ ...now, place: { ...now.place, [part]: said } }));
        }}
      />
    ));
  }
  if (slot.kind === 'moment') {
    return (
      <DateField
        label={slot.label}
        description="In your time zone. Nothing is sent after it."
        type="datetime-local"
        value={filling.endsAt}
        data-testid="template-offer-ends"
        onDate={(endsAt) => onChange((now) => ({ ...now, endsAt }))}
      />
    );
  }
  return (
    <TextField
      label={slot.kind === 'text' ? `Value for ${slot.label}` : slot.label}
      placeholder={slot.sample ?? ''}
      value={filling.values[slot.key] ?? ''}
      data-testid="template-parameter"
      onChange={(event) => {
        const said = event.currentTarget.value;
        onChange((now) => ({ ...now, values: { ...now.values, [slot.key]: said } }));
      }}
    />
  );
}

function SlotFile({ slot, format, filling, onChange }: SlotFieldProps) {
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  // What another template was chosen for is not put into it.
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const { id } = await uploadMedia(file);
      if (isShown.current) {
        onChange((now) => ({
          ...now,
          files: { ...now.files, [slot.key]: { id, name: file.name } },
        }));
      }
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  const chosen = filling.files[slot.key];
  return (
    <label className={css.slotFile}>
      <span>{slot.label}</span>
      <input
        type="file"
        accept={ACCEPT[format ?? '']}
        disabled={busy === 'uploading'}
        onChange={(event) => void upload(event.currentTarget.files?.[0])}
        data-testid="template-file"
      />
      <small>
        {busy === 'uploading'
          ? 'Uploading…'
          : chosen === undefined
            ? 'Choose a file.'
            : (chosen.name ?? 'The template’s own file goes along.')}
      </small>
    </label>
  );
}

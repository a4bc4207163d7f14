import { useEffect, useRef, useState } from 'react';
import type { CampaignTemplate, Template } from '@/api/types';
import { CheckField, MomentField, notify, TextField, type Typed } from '@/ui';
import { uploadCampaignFile } from './api';
import css from './editor.module.css';

const FILES = {
  image: { label: 'Picture', accept: 'image/jpeg,image/png' },
  video: { label: 'Video', accept: 'video/mp4,video/3gpp' },
  document: { label: 'Document', accept: '.pdf,.txt,.doc,.docx,.xls,.xlsx,.ppt,.pptx' },
} as const;

const isFile = (format: string | null): format is keyof typeof FILES =>
  format !== null && format in FILES;

const PLACE = [
  ['latitude', 'Latitude', 'Degrees north, such as 52.5208.'],
  ['longitude', 'Longitude', 'Degrees east, such as 13.4094.'],
  ['name', 'Name of the place', undefined],
  ['address', 'Address', undefined],
] as const;

const NO_PLACE = { latitude: '', longitude: '', name: '', address: '' };

interface HeaderProps {
  wanted: CampaignTemplate;
  template: Template;
  set: (change: Partial<CampaignTemplate>) => void;
}

/** What stands above the text: the file, the place, or the value of the heading. */
export function TemplateHeaderField({ wanted, template, set }: HeaderProps) {
  const format = template.header_format;
  if (format === 'location') {
    const place = wanted.header_place ?? NO_PLACE;
    return (
      <fieldset className={css.placeAbove} data-testid="template-place">
        <legend>Place above the text, the same for everybody</legend>
        <div className={css.two}>
          {PLACE.map(([part, label, hint]) => (
            <TextField
              key={part}
              label={label}
              description={hint}
              value={place[part]}
              onChange={(event) =>
                set({ header_place: { ...place, [part]: event.currentTarget.value } })
              }
              data-testid={`template-place-${part}`}
            />
          ))}
        </div>
      </fieldset>
    );
  }
  if (format === 'text' && (template.header ?? '').includes('{{')) {
    return (
      <TextField
        label="Value of the heading"
        description={`For “${template.header ?? ''}”; at most 60 characters.`}
        value={wanted.header_value}
        onChange={(event) => set({ header_value: event.currentTarget.value })}
        data-testid="template-heading"
      />
    );
  }
  if (!isFile(format)) return null;
  return (
    <TemplateFileField
      label={`${FILES[format].label} above the text`}
      format={format}
      own={template.header_media_id}
      chosen={wanted.header_media_id}
      onChoose={(header_media_id) => set({ header_media_id })}
      testId="template-file"
    />
  );
}

interface FileFieldProps {
  label: string;
  format: string;
  /** The template's own file. */
  own: string | null;
  chosen: string | null;
  onChoose: (id: string | null) => void;
  testId: string;
}

/** A file of the campaign in place of the template's own. */
export function TemplateFileField(props: FileFieldProps) {
  const { label, format, own, chosen, onChoose, testId } = props;
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const [name, setName] = useState<string | null>(null);
  // What was written during an upload stays, and what another template was chosen for is not put into it.
  const latest = useRef<FileFieldProps['onChoose'] | null>(null);
  useEffect(() => {
    latest.current = onChoose;
    return () => {
      latest.current = null;
    };
  }, [onChoose]);
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadCampaignFile(file);
      setName(file.name);
      latest.current?.(media.id);
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  const state =
    chosen !== null
      ? `Chosen${name === null ? '' : `: ${name}`}.`
      : typeof own === 'string'
        ? 'The template’s own is sent; choose another one for this campaign.'
        : 'Choose the one that is sent to everybody.';
  return (
    <div className={css.headerFile}>
      <label>
        <strong>{label}</strong>
        <small data-testid={`${testId}-state`}>
          {busy === 'uploading' ? 'Uploading…' : `${state} It is uploaded to WhatsApp once.`}
        </small>
        <input
          type="file"
          accept={isFile(format) ? FILES[format].accept : undefined}
          disabled={busy === 'uploading'}
          onChange={(event) => void upload(event.currentTarget.files?.[0])}
          data-testid={testId}
        />
      </label>
      {chosen !== null && typeof own === 'string' && (
        <button
          type="button"
          className={css.plain}
          onClick={() => {
            setName(null);
            onChoose(null);
          }}
        >
          Send the template’s own
        </button>
      )}
    </div>
  );
}

interface OfferProps extends HeaderProps {
  /** Told when the end is half typed, and when it is whole again or not asked for any more. */
  onTyped: (typed: Typed) => void;
}

/** When what the template offers ends. Nothing for a template without such an offer. */
export function TemplateOfferEnd({ wanted, template, set, onTyped }: OfferProps) {
  if (template.offer?.expires !== true) return null;
  return (
    <MomentField
      label={`When “${template.offer.text}” ends`}
      description="In your time zone. What has not left by then is not sent any more."
      value={wanted.offer_ends_at}
      onMoment={(offer_ends_at) => set({ offer_ends_at })}
      onTyped={onTyped}
      data-testid="template-offer-ends"
    />
  );
}

interface LanguagesProps {
  wanted: CampaignTemplate;
  templates: Template[];
  set: (change: Partial<CampaignTemplate>) => void;
}

/** Whether contacts get the translation in their own language. Nothing when there is no other one. */
export function TemplateLanguages({ wanted, templates, set }: LanguagesProps) {
  const others = templates.filter(
    (each) =>
      each.channel_id === wanted.channel_id &&
      each.name === wanted.name &&
      each.language !== wanted.language,
  );
  if (wanted.name === '' || (others.length === 0 && !wanted.by_language)) return null;
  const named = others.map((each) =>
    each.status === 'APPROVED'
      ? each.language
      : `${each.language} (${each.status.toLowerCase()}, not sent)`,
  );
  return (
    <CheckField
      label="To each in their own language"
      description={`Translations: ${named.join(', ') || 'none'}. Who has no translation gets it in ${wanted.language}. All of them have to take the same values.`}
      checked={wanted.by_language}
      onChange={(event) => set({ by_language: event.currentTarget.checked })}
      data-testid="template-by-language"
    />
  );
}

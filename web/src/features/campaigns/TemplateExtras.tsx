import { useEffect, useRef, useState } from 'react';
import type { CampaignTemplate, Template } from '@/api/types';
import { CheckField, notify, TextField } from '@/ui';
import { uploadCampaignFile } from './api';
import css from './editor.module.css';

const FILES = {
  image: { label: 'Picture', accept: 'image/jpeg,image/png' },
  video: { label: 'Video', accept: 'video/mp4,video/3gpp' },
  document: { label: 'Document', accept: '.pdf,.txt,.doc,.docx,.xls,.xlsx,.ppt,.pptx' },
} as const;

const isFile = (format: string | null): format is keyof typeof FILES =>
  format !== null && format in FILES;

interface HeaderProps {
  wanted: CampaignTemplate;
  template: Template;
  set: (change: Partial<CampaignTemplate>) => void;
}

/** What stands above the text: the file, or the value of the heading. */
export function TemplateHeaderField({ wanted, template, set }: HeaderProps) {
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const [name, setName] = useState<string | null>(null);
  // What was written during an upload stays, and what another template was chosen for is not put into it.
  const latest = useRef<HeaderProps['set'] | null>(null);
  useEffect(() => {
    latest.current = set;
    return () => {
      latest.current = null;
    };
  }, [set]);
  const format = template.header_format;
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
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadCampaignFile(file);
      setName(file.name);
      latest.current?.({ header_media_id: media.id });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  const { label, accept } = FILES[format];
  const own = template.header_media_id;
  const state =
    wanted.header_media_id !== null
      ? `Chosen${name === null ? '' : `: ${name}`}.`
      : typeof own === 'string'
        ? 'The template’s own is sent; choose another one for this campaign.'
        : 'Choose the one that is sent to everybody.';
  return (
    <div className={css.headerFile}>
      <label>
        <strong>{label} above the text</strong>
        <small data-testid="template-file-state">
          {busy === 'uploading' ? 'Uploading…' : `${state} It is uploaded to WhatsApp once.`}
        </small>
        <input
          type="file"
          accept={accept}
          disabled={busy === 'uploading'}
          onChange={(event) => void upload(event.currentTarget.files?.[0])}
          data-testid="template-file"
        />
      </label>
      {wanted.header_media_id !== null && typeof own === 'string' && (
        <button
          type="button"
          className={css.plain}
          onClick={() => {
            setName(null);
            set({ header_media_id: null });
          }}
        >
          Send the template’s own
        </button>
      )}
    </div>
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

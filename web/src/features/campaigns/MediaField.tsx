import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { TextFile } from '@/api/types';
import { Button, Failure, Notice, notify, Skeleton } from '@/ui';
import { fetchCampaignMedia, fetchSenderDetails, textFileUrl, uploadTextFile } from './api';
import css from './media.module.css';
import { bytesWords, isPicture, LARGEST, LARGEST_FOR_ALL, MOST_FILES } from './media';

const ACCEPT =
  'image/jpeg,image/png,image/gif,video/mp4,video/3gpp,audio/mpeg,audio/mp4,audio/amr,audio/ogg,.pdf,.txt';

/** What is known of files, and whether more of them will be. */
export interface TextFiles {
  known: TextFile[];
  state: 'ready' | 'pending' | 'failed';
  error: unknown;
  onRetry: () => void;
}

/** What is known of these files: those of the saved campaign, and those that were uploaded since. */
export function useTextFiles(ids: string[], campaignId: string | null): TextFiles {
  const cache = useQueryClient();
  const isAsked = campaignId !== null && ids.length > 0;
  const saved = useQuery({
    queryKey: keys.campaignMedia(campaignId ?? ''),
    queryFn: ({ signal }) => fetchCampaignMedia(campaignId ?? '', signal),
    enabled: isAsked,
  });
  const known = ids
    .map(
      (id) =>
        saved.data?.data.find((file) => file.id === id) ??
        cache.getQueryData<TextFile>(keys.textFile(id)),
    )
    .filter((file) => file !== undefined);
  return {
    known,
    state: !isAsked ? 'ready' : saved.isError ? 'failed' : saved.isPending ? 'pending' : 'ready',
    error: saved.error,
    onRetry: () => void saved.refetch(),
  };
}

interface MediaFieldProps {
  value: string[];
  onChange: (value: string[]) => void;
  files: TextFiles;
  senderId: string | null;
}

/** Pictures and other files beside the text, which make each message an MMS. */
export function MediaField({ value, onChange, files: told, senderId }: MediaFieldProps) {
  const { known: files, state } = told;
  const cache = useQueryClient();
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const input = useRef<HTMLInputElement>(null);
  // What was chosen during an upload stays.
  const latest = useRef({ value, onChange });
  useEffect(() => {
    latest.current = { value, onChange };
  }, [value, onChange]);
  const senders = useQuery({
    queryKey: keys.senders,
    queryFn: ({ signal }) => fetchSenderDetails(signal),
    enabled: value.length > 0,
  });
  const sender = senders.data?.data.find((each) => each.id === senderId);
  const unknown = value.filter((id) => !files.some((file) => file.id === id));
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const add = async (chosen: FileList | null) => {
    if (chosen === null || chosen.length === 0) return;
    setBusy('uploading');
    try {
      for (const file of chosen) {
        const kept = await uploadTextFile(file);
        // Nothing but the campaign on the screen knows of it until that is saved, however long this takes.
        cache.setQueryDefaults(keys.textFiles, { gcTime: Infinity });
        cache.setQueryData(keys.textFile(kept.id), kept);
        latest.current.onChange([...latest.current.value, kept.id]);
      }
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
      if (input.current !== null) input.current.value = '';
    }
  };
  return (
    <fieldset className={css.field} data-testid="campaign-media">
      <legend>Pictures and files</legend>
      <p className={css.hint}>
        With any, each message is an MMS with a price of its own. Numbers of the United States,
        Canada and Australia carry them within those countries; whoever cannot get them is left out.
      </p>
      {state === 'failed' && unknown.length > 0 && (
        <Failure error={told.error} onRetry={told.onRetry} />
      )}
      {value.length > 0 && (
        <ul className={css.files}>
          {files.map((file) => (
            <li key={file.id} data-testid="campaign-file">
              {isPicture(file) ? (
                <img src={textFileUrl(file.id)} alt={file.file_name ?? 'Picture'} />
              ) : (
                <span className={css.kind}>{file.mime.split('/')[1]?.toUpperCase()}</span>
              )}
              <span>
                <strong>{file.file_name ?? 'File'}</strong>
                <small>{bytesWords(file.size)}</small>
              </span>
              <Button
                emphasis="quiet"
                size="xs"
                aria-label={`Remove ${file.file_name ?? 'the file'}`}
                onClick={() => onChange(value.filter((id) => id !== file.id))}
                data-testid="campaign-file-remove"
              >
                Remove
              </Button>
            </li>
          ))}
          {unknown.map((id) => (
            <li key={id} data-testid="campaign-file">
              {state === 'pending' ? (
                <>
                  <Skeleton width="56px" height={56} />
                  <Skeleton width="60%" />
                </>
              ) : (
                <>
                  <span className={css.kind}>FILE</span>
                  <span>
                    <strong>File {value.indexOf(id) + 1}</strong>
                    <small>Its name and size are not known here.</small>
                  </span>
                </>
              )}
              <Button
                emphasis="quiet"
                size="xs"
                aria-label={`Remove file ${value.indexOf(id) + 1}`}
                onClick={() => onChange(value.filter((each) => each !== id))}
                data-testid="campaign-file-remove"
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      {value.length < MOST_FILES && (
        <label className={css.add}>
          <span>{busy === 'uploading' ? 'Uploading…' : 'Add pictures or files'}</span>
          <input
            ref={input}
            type="file"
            multiple
            accept={ACCEPT}
            disabled={busy === 'uploading'}
            onChange={(event) => void add(event.currentTarget.files)}
            data-testid="campaign-media-add"
          />
        </label>
      )}
      {value.length > 0 && (
        <small className={css.hint}>
          {value.length} of {MOST_FILES}, {bytesWords(total)} of 5 MB together.
        </small>
      )}
      {total > LARGEST && (
        <Notice tone="bad">
          All files of a message together have at most 5 MB. Take some out.
        </Notice>
      )}
      {files.some((file) => !isPicture(file) && file.size > LARGEST_FOR_ALL) && (
        <Notice tone="warn">
          Many carriers drop messages with a film, sound or document above 600 KB. Make it smaller.
        </Notice>
      )}
      {value.length > 0 && sender !== undefined && !sender.sends_files && (
        <Notice tone="bad">
          This sender sends texts alone. Choose a number that carries MMS on an account in Twilio’s
          dialect, or put a link into the text.
        </Notice>
      )}
    </fieldset>
  );
}

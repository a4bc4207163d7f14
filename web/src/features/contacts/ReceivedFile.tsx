import { useState } from 'react';
import type { TextFile } from '@/api/types';
import { Button, notify } from '@/ui';
import { fetchReceivedFile, receivedFileUrl } from './api';
import css from './contacts.module.css';

interface ReceivedFileProps {
  contactId: string;
  file: TextFile;
  /** Looks for news of the file. */
  onAsked: () => void;
}

/** A picture or file that came with a text: shown, on its way, or why it is not here. */
export function ReceivedFile({ contactId, file, onAsked }: ReceivedFileProps) {
  const [busy, setBusy] = useState<'idle' | 'asking'>('idle');
  if (file.presence === 'pending') {
    return (
      <span className={css.fileState} data-testid="received-file" data-presence="pending">
        A file is being fetched…
      </span>
    );
  }
  if (file.presence === 'failed') {
    const again = async () => {
      setBusy('asking');
      try {
        await fetchReceivedFile(contactId, file.id);
        onAsked();
      } catch (error) {
        notify.failure(error);
      }
      setBusy('idle');
    };
    return (
      <span className={css.fileState} data-testid="received-file" data-presence="failed">
        {file.failure ?? 'The file could not be fetched.'}
        <Button
          emphasis="quiet"
          size="xs"
          loading={busy === 'asking'}
          onClick={() => void again()}
          data-testid="received-file-again"
        >
          Fetch again
        </Button>
      </span>
    );
  }
  const url = receivedFileUrl(contactId, file.id);
  const shown = { 'data-testid': 'received-file', 'data-presence': 'stored' };
  if (file.mime.startsWith('image/')) {
    return (
      <a href={url} target="_blank" rel="noreferrer" {...shown}>
        <img src={url} alt="Sent by this person" className={css.received} />
      </a>
    );
  }
  if (file.mime.startsWith('video/')) {
    return <video src={url} controls preload="metadata" className={css.received} {...shown} />;
  }
  if (file.mime.startsWith('audio/')) {
    return <audio src={url} controls preload="metadata" {...shown} />;
  }
  return (
    <a href={url} download {...shown}>
      {file.file_name ?? `File (${file.mime})`}
    </a>
  );
}

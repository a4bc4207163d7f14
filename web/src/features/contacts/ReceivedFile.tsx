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

/** What there is to say where one can only wait, or nothing can be done. */
const STATES = {
  pending: 'A file is being fetched…',
  checking: 'A file is being checked for viruses…',
  infected: 'A file held a virus and was removed. Nobody can open it.',
};

/** A picture or file that came with a text: shown, on its way, or why it is not here. */
export function ReceivedFile({ contactId, file, onAsked }: ReceivedFileProps) {
  const [busy, setBusy] = useState<'idle' | 'asking'>('idle');
  if (file.presence === 'pending' || file.presence === 'checking' || file.presence === 'infected') {
    return (
      <span className={css.fileState} data-testid="received-file" data-presence={file.presence}>
        {STATES[file.presence]}
      </span>
    );
  }
  if (file.presence === 'failed' || file.presence === 'unchecked') {
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
      <span className={css.fileState} data-testid="received-file" data-presence={file.presence}>
        {file.presence === 'unchecked'
          ? 'A file could not be checked for viruses, so nobody can open it yet. An administrator sees why in Setup, Files.'
          : (file.failure ?? 'The file could not be fetched.')}
        <Button
          emphasis="quiet"
          size="xs"
          loading={busy === 'asking'}
          onClick={() => void again()}
          data-testid="received-file-again"
        >
          {file.presence === 'unchecked' ? 'Check again' : 'Fetch again'}
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

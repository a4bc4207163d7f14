import {
  IconFile,
  IconMusic,
  IconPhotoOff,
  IconRefresh,
  IconVideo,
  IconX,
} from '@tabler/icons-react';
import { formatBytes } from '@/lib/files';
import { IconButton } from '@/ui';
import { detach, retryUpload, type Attachment } from './attachments';
import css from './composer.module.css';

function Small({ attachment }: { attachment: Attachment }) {
  if (attachment.preview !== null) return <img src={attachment.preview} alt="" />;
  const { state } = attachment;
  if (state.is === 'refused') return <IconPhotoOff size={22} aria-hidden="true" />;
  if (state.kind === 'video') return <IconVideo size={22} aria-hidden="true" />;
  if (state.kind === 'audio') return <IconMusic size={22} aria-hidden="true" />;
  return <IconFile size={22} aria-hidden="true" />;
}

function about({ file, state }: Attachment): string {
  const size = formatBytes(file.size);
  if (state.is === 'refused' || state.is === 'failed') return state.reason;
  if (state.is === 'ready') return size;
  const percent = Math.round(state.part * 100);
  return percent < 100 ? `${percent} % of ${size}` : 'Being checked…';
}

/** What goes along with the reply: how far each file is, and what will not be sent and why. */
export function AttachmentTray({ sessionId, files }: { sessionId: string; files: Attachment[] }) {
  return (
    <ul className={css.tray} aria-label="Files to send">
      {files.map((attachment) => {
        const { id, file, state } = attachment;
        const isRefused = state.is === 'refused' || state.is === 'failed';
        return (
          <li key={id} data-state={state.is} data-testid="attachment">
            <span className={css.thumb}>
              <Small attachment={attachment} />
            </span>
            <span className={css.about}>
              <strong>{file.name}</strong>
              <span role={isRefused ? 'alert' : undefined}>{about(attachment)}</span>
              {state.is === 'uploading' && (
                <progress
                  max={1}
                  value={state.part}
                  aria-label={`Upload of ${file.name}`}
                  data-testid="attachment-progress"
                />
              )}
            </span>
            {state.is === 'failed' && (
              <IconButton
                label={`Try ${file.name} again`}
                onClick={() => retryUpload(sessionId, attachment)}
                size={28}
              >
                <IconRefresh size={16} />
              </IconButton>
            )}
            <IconButton
              label={
                state.is === 'uploading' ? `Stop the upload of ${file.name}` : `Remove ${file.name}`
              }
              onClick={() => detach(sessionId, attachment)}
              size={28}
              data-testid="attachment-remove"
            >
              <IconX size={16} />
            </IconButton>
          </li>
        );
      })}
    </ul>
  );
}

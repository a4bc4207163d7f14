import {
  IconDownload,
  IconFile,
  IconMicrophone,
  IconMusic,
  IconPhotoOff,
  IconRefresh,
  IconVideo,
  IconVirus,
} from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { fetchMediaAgain } from '@/api/attachments';
import type { FilePresence } from '@/api/message-types';
import type { Message } from '@/api/types';
import { describeFile } from '@/lib/files';
import { notify } from '@/ui';
import css from './media.module.css';

type Media = NonNullable<Message['media']>;

interface PartProps {
  message: Message;
  media: Media;
  /** Opens the picture among all of the conversation. */
  onView?: ((id: string) => void) | undefined;
}

/** What a file is called where its sender gave it no name. */
export function mediaWords(message: Message): string {
  if (message.kind === 'audio') return message.details?.voice === true ? 'Voice message' : 'Audio';
  if (message.kind === 'video') return 'Video';
  if (message.kind === 'sticker') return 'Sticker';
  return message.kind === 'document' ? 'Document' : 'Picture';
}

/** The file of a message: shown where a browser can show it, and always to be saved. */
export function MediaPart({ message, media, onView }: PartProps) {
  if (media.presence !== 'stored') return <Absent message={message} media={media} />;
  switch (message.kind) {
    case 'image':
    case 'sticker':
      return <Picture message={message} media={media} onView={onView} />;
    case 'video':
      return <Video message={message} media={media} />;
    case 'audio':
      return <Audio message={message} media={media} />;
    default:
      return <File message={message} media={media} />;
  }
}

function Picture({ message, media, onView }: PartProps) {
  const words = message.text === '' ? mediaWords(message) : message.text;
  return (
    <button
      type="button"
      className={css.picture}
      data-kind={message.kind}
      onClick={() => onView?.(message.id)}
      aria-label={`Look at ${words}`}
      data-testid="message-picture"
    >
      <img src={media.url} alt="" loading="lazy" />
    </button>
  );
}

/** Where a browser cannot play a file, it can still be saved. */
function usePlayable() {
  const [fails, setFails] = useState<'yes' | 'no'>('no');
  return { fails, onError: () => setFails('yes') };
}

function Video({ message, media }: PartProps) {
  const { fails, onError } = usePlayable();
  return (
    <div className={css.media}>
      {fails === 'no' && (
        <video
          className={css.video}
          src={media.url}
          controls
          playsInline
          preload="metadata"
          aria-label={message.text === '' ? 'Video' : `Video: ${message.text}`}
          onError={onError}
          data-testid="message-video"
        />
      )}
      <Line message={message} media={media} icon={<IconVideo size={18} aria-hidden="true" />} />
    </div>
  );
}

function Audio({ message, media }: PartProps) {
  const { fails, onError } = usePlayable();
  const voice = message.details?.voice === true;
  const Icon = voice ? IconMicrophone : IconMusic;
  return (
    <div className={css.media}>
      {fails === 'no' && (
        <audio
          className={css.audio}
          src={media.url}
          controls
          preload="metadata"
          aria-label={voice ? 'Voice message' : 'Audio'}
          onError={onError}
          data-testid="message-audio"
        />
      )}
      <Line message={message} media={media} icon={<Icon size={18} aria-hidden="true" />} />
    </div>
  );
}

function File({ message, media }: PartProps) {
  return (
    <div className={css.document} data-testid="message-document">
      <Line message={message} media={media} icon={<IconFile size={20} aria-hidden="true" />} />
    </div>
  );
}

function Line({ message, media, icon }: PartProps & { icon: ReactNode }) {
  const name = media.file_name ?? mediaWords(message);
  return (
    <div className={css.line}>
      {icon}
      <span className={css.words}>
        <strong>{name}</strong>
        <span>{describeFile(media.file_name, media.mime, media.size)}</span>
      </span>
      <a
        className={css.download}
        href={`${media.url}?download=1`}
        download
        aria-label={`Download ${name}`}
        title="Download"
        data-testid="message-download"
      >
        <IconDownload size={18} aria-hidden="true" />
      </a>
    </div>
  );
}

/** A file that is not here yet, or could not be had, in the size it will have. */
function Absent({ message, media }: PartProps) {
  const [asked, setAsked] = useState<'yes' | 'no'>('no');
  const again = () => {
    setAsked('yes');
    fetchMediaAgain(media.id)
      .catch((error: unknown) => notify.failure(error))
      .finally(() => setAsked('no'));
  };
  const words = media.file_name ?? mediaWords(message);
  return (
    <div
      className={css.absent}
      data-kind={message.kind}
      data-presence={media.presence}
      data-testid="message-absent"
    >
      {media.presence === 'infected' ? (
        <IconVirus size={20} aria-hidden="true" />
      ) : (
        <IconPhotoOff size={20} aria-hidden="true" />
      )}
      <span>{absentWords(media.presence, words)}</span>
      {(media.presence === 'failed' || media.presence === 'unchecked') && (
        <button type="button" onClick={again} disabled={asked === 'yes'} data-testid="media-again">
          <IconRefresh size={15} aria-hidden="true" /> Try again
        </button>
      )}
    </div>
  );
}

/** Why a file cannot be opened, and what to do. */
function absentWords(presence: FilePresence, name: string): string {
  switch (presence) {
    case 'pending':
      return `${name} is on its way from WhatsApp…`;
    case 'checking':
      return `${name} is being checked for viruses…`;
    case 'infected':
      return `${name} held a virus and was removed. Nobody can open it. Ask the customer for another file.`;
    case 'unchecked':
      return `${name} could not be checked for viruses, so nobody can open it yet. An administrator sees why in Setup, Files.`;
    default:
      return `${name} could not be fetched from WhatsApp. It stays there for seven days; after that the customer has to send it again.`;
  }
}

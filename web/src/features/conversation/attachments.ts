import { create } from 'zustand';
import { errorWords } from '@/api/errors';
import type { Media } from '@/api/types';
import { uploadFile } from '@/api/upload';
import { checkFile, type FileKind } from '@/lib/files';
import { send } from '@/live';

/** WhatsApp shows up to this many files as one album; more are sent in a second go. */
export const MOST_FILES = 10;

/** A file that was chosen for a reply. */
export interface Attachment {
  id: string;
  file: File;
  /** Address of the picture in the browser, to be shown small. */
  preview: string | null;
  state:
    | { is: 'refused'; reason: string }
    | { is: 'uploading'; part: number; kind: FileKind }
    | { is: 'failed'; reason: string; kind: FileKind }
    | { is: 'ready'; media: Media; kind: FileKind };
}

interface Attachments {
  /** By conversation: a file is never sent into another one than it was chosen in. */
  bySession: Record<string, Attachment[]>;
}

export const useAttachments = create<Attachments>(() => ({ bySession: {} }));

const stops = new Map<string, AbortController>();
const NONE: Attachment[] = [];

export const attachmentsOf = (state: Attachments, sessionId: string) =>
  state.bySession[sessionId] ?? NONE;

function change(sessionId: string, next: (files: Attachment[]) => Attachment[]): void {
  useAttachments.setState(({ bySession }) => {
    const { [sessionId]: files = NONE, ...rest } = bySession;
    const changed = next(files);
    return { bySession: changed.length === 0 ? rest : { ...rest, [sessionId]: changed } };
  });
}

function setState(sessionId: string, id: string, state: Attachment['state']): void {
  change(sessionId, (files) => files.map((each) => (each.id === id ? { ...each, state } : each)));
}

/** Takes files in: what WhatsApp would refuse is told at once, the rest begins to be uploaded. */
export function attach(sessionId: string, files: File[]): void {
  for (const file of files) {
    const held = attachmentsOf(useAttachments.getState(), sessionId);
    const check = checkFile(file);
    const id = crypto.randomUUID();
    const refuse = (reason: string) =>
      change(sessionId, (all) => [
        ...all,
        { id, file, preview: null, state: { is: 'refused', reason } },
      ]);
    if (!check.ok) {
      refuse(check.reason);
    } else if (held.filter((each) => each.state.is !== 'refused').length >= MOST_FILES) {
      refuse(`Send these ${MOST_FILES} first; more can follow.`);
    } else {
      const isPicture = check.kind === 'image' || check.kind === 'sticker';
      const preview = isPicture ? URL.createObjectURL(file) : null;
      const state: Attachment['state'] = { is: 'uploading', part: 0, kind: check.kind };
      change(sessionId, (all) => [...all, { id, file, preview, state }]);
      void upload(sessionId, id, file, check.kind);
    }
  }
}

async function upload(sessionId: string, id: string, file: File, kind: FileKind): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  try {
    const media = await uploadFile<Media>('/media', file, {
      signal: stop.signal,
      onProgress: (part) => setState(sessionId, id, { is: 'uploading', part, kind }),
    });
    setState(sessionId, id, { is: 'ready', media, kind: kindOf(media.mime) ?? kind });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    setState(sessionId, id, { is: 'failed', reason: errorWords(error).message, kind });
  } finally {
    stops.delete(id);
  }
}

/** The server looked into the file; what it says it is counts. */
function kindOf(mime: string): FileKind | null {
  if (mime === 'image/webp') return 'sticker';
  const [kind] = mime.split('/');
  if (kind === 'image' || kind === 'video' || kind === 'audio') return kind;
  return kind === 'application' || kind === 'text' ? 'document' : null;
}

export function retryUpload(sessionId: string, attachment: Attachment): void {
  if (attachment.state.is !== 'failed') return;
  const { kind } = attachment.state;
  setState(sessionId, attachment.id, { is: 'uploading', part: 0, kind });
  void upload(sessionId, attachment.id, attachment.file, kind);
}

/** Takes a file out; one that is being uploaded is stopped. */
export function detach(sessionId: string, attachment: Attachment): void {
  stops.get(attachment.id)?.abort();
  if (attachment.preview !== null) URL.revokeObjectURL(attachment.preview);
  change(sessionId, (files) => files.filter((each) => each.id !== attachment.id));
}

/** Takes out all files of all conversations: they are those of whoever is signed in. */
export function clearAttachments(): void {
  for (const [sessionId, files] of Object.entries(useAttachments.getState().bySession)) {
    for (const attachment of files) detach(sessionId, attachment);
  }
}

/** Whose files this tab holds. */
let ours: string | null = null;

/** Takes out the files of whoever was signed in before, whose login may have ended without signing out. */
export function keepAttachmentsOf(userId: string): void {
  if (ours !== null && ours !== userId) clearAttachments();
  ours = userId;
}

const TAKES_CAPTION: FileKind[] = ['image', 'video', 'document'];

/** Whether one of the files can carry the text; without one the text goes as a message of its own. */
export const takesCaption = (files: Attachment[]) =>
  files.some((each) => each.state.is === 'ready' && TAKES_CAPTION.includes(each.state.kind));

/**
 * Sends everything that is ready, in its order; the text goes with the first that takes one. What could not be uploaded
 * stays, to be tried again or taken out.
 */
export function sendAttachments(sessionId: string, text: string, voice: boolean): void {
  const files = attachmentsOf(useAttachments.getState(), sessionId);
  let caption = text;
  for (const attachment of files) {
    if (attachment.state.is === 'ready') {
      const { media, kind } = attachment.state;
      const own = TAKES_CAPTION.includes(kind) ? caption : '';
      if (own !== '') caption = '';
      const base = { media_id: media.id };
      send({
        sessionId,
        content:
          kind === 'audio'
            ? { kind, ...base, voice: voice && media.voice }
            : kind === 'sticker'
              ? { kind, ...base }
              : { kind, ...base, ...(own === '' ? {} : { caption: own }) },
        text: own,
        media: {
          id: media.id,
          mime: media.mime,
          file_name: media.file_name,
          url: `/api/v1/media/${media.id}`,
          size: media.size,
          presence: 'stored',
        },
      });
    }
    if (attachment.state.is !== 'failed') detach(sessionId, attachment);
  }
  if (caption !== '') send({ sessionId, content: { kind: 'text', text: caption }, text: caption });
}

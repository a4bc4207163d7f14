/** What WhatsApp takes of files, and how their sizes are written. The server checks the same again. */

export type FileKind = 'image' | 'video' | 'audio' | 'document' | 'sticker';

const MB = 1024 * 1024;

interface Rule {
  kind: FileKind;
  most: number;
}

const RULES: Record<string, Rule> = {
  'image/jpeg': { kind: 'image', most: 5 * MB },
  'image/png': { kind: 'image', most: 5 * MB },
  'image/webp': { kind: 'sticker', most: 500 * 1024 },
  'video/mp4': { kind: 'video', most: 16 * MB },
  'video/3gpp': { kind: 'video', most: 16 * MB },
  'audio/aac': { kind: 'audio', most: 16 * MB },
  'audio/x-aac': { kind: 'audio', most: 16 * MB },
  'audio/vnd.dlna.adts': { kind: 'audio', most: 16 * MB },
  'audio/amr': { kind: 'audio', most: 16 * MB },
  'audio/mpeg': { kind: 'audio', most: 16 * MB },
  'audio/mp3': { kind: 'audio', most: 16 * MB },
  'audio/mp4': { kind: 'audio', most: 16 * MB },
  'audio/x-m4a': { kind: 'audio', most: 16 * MB },
  'audio/ogg': { kind: 'audio', most: 16 * MB },
};

/** Browsers do not know a type for each of these, or a wrong one. */
const BY_ENDING: Record<string, string> = {
  '3gp': 'video/3gpp',
  aac: 'audio/aac',
  amr: 'audio/amr',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  m4a: 'audio/mp4',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  oga: 'audio/ogg',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  png: 'image/png',
  webp: 'image/webp',
};

const DOCUMENT_ENDINGS = [
  'csv',
  'doc',
  'docx',
  'odp',
  'ods',
  'odt',
  'pdf',
  'ppt',
  'pptx',
  'txt',
  'xls',
  'xlsx',
];
const DOCUMENT: Rule = { kind: 'document', most: 100 * MB };

/** For the file dialog. */
export const ACCEPT = [
  ...Object.keys(RULES),
  ...Object.keys(BY_ENDING).map((ending) => `.${ending}`),
  ...DOCUMENT_ENDINGS.map((ending) => `.${ending}`),
].join(',');

const KIND_WORDS: Record<FileKind, string> = {
  image: 'pictures',
  video: 'films',
  audio: 'sound',
  document: 'documents',
  sticker: 'stickers',
};

export function endingOf(name: string): string {
  const point = name.lastIndexOf('.');
  return point < 0 ? '' : name.slice(point + 1).toLowerCase();
}

/** `1.4 MB`, in the units of operating systems. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < MB) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  const mb = bytes / MB;
  return `${mb < 10 ? (Math.floor(mb * 10) / 10).toString() : Math.floor(mb)} MB`;
}

export type FileCheck = { ok: true; kind: FileKind } | { ok: false; reason: string };

/** Whether WhatsApp takes a file, by its name, type and size, before anything leaves the browser. */
export function checkFile(file: { name: string; type: string; size: number }): FileCheck {
  const ending = endingOf(file.name);
  const rule =
    RULES[file.type.split(';')[0] ?? ''] ??
    RULES[BY_ENDING[ending] ?? ''] ??
    (DOCUMENT_ENDINGS.includes(ending) ? DOCUMENT : undefined);
  if (file.size === 0) return { ok: false, reason: 'The file is empty.' };
  if (rule === undefined) {
    return {
      ok: false,
      reason:
        'WhatsApp does not take this kind of file. It takes JPEG and PNG pictures, MP4 films, MP3, M4A and OGG sound, PDF, text and office documents.',
    };
  }
  if (file.size > rule.most) {
    return {
      ok: false,
      reason: `It has ${formatBytes(file.size)}. WhatsApp takes ${KIND_WORDS[rule.kind]} up to ${formatBytes(rule.most)}.`,
    };
  }
  return { ok: true, kind: rule.kind };
}

/** `PDF · 120 KB`: what a document is, for people. */
export function describeFile(name: string | null, mime: string, size: number | null): string {
  const ending = endingOf(name ?? '');
  const word = ending !== '' && ending.length <= 5 ? ending : (mime.split('/')[1] ?? 'file');
  const kind = word.length <= 5 ? word.toUpperCase() : 'File';
  return size === null ? kind : `${kind} · ${formatBytes(size)}`;
}

import type { TextFile } from '@/api/types';

/** Files of one message at most. */
export const MOST_FILES = 10;
/** Bytes of all files of one message at most. */
export const LARGEST = 5 * 1024 * 1024;
/** Bytes of a file that is no picture, above which many carriers drop the message. */
export const LARGEST_FOR_ALL = 600_000;

export const isPicture = (file: TextFile) => file.mime.startsWith('image/');

/** A size in words, such as `1.2 MB`. */
export function bytesWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kb = bytes / 1024;
  return kb < 1024 ? `${Math.round(kb)} KB` : `${(kb / 1024).toFixed(1)} MB`;
}

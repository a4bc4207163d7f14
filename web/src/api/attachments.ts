import { api } from './client';
import type { Attachment, Page } from './types';

/** Whose files: of one conversation, of a case, or of everything with a customer or contact. */
export type AttachmentScope =
  | { session_id: string }
  | { case_id: string }
  | { messaging_user_id: string }
  | { contact_id: string };

export const fetchAttachments = (
  scope: AttachmentScope,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
) => api.get<Page<Attachment>>('/attachments', { ...scope, cursor, limit }, signal);

/** Asks the provider once more for a file that could not be had. */
export const fetchMediaAgain = (id: string) => api.post<unknown>(`/media/${id}/fetch`);

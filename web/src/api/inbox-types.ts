/** Colleagues in notes, and transcripts. */
import type { Role } from './types';

/** A place in a note's text, in code points. */
export interface NoteMention {
  user_id: string;
  start: number;
  length: number;
}

export interface Colleague {
  id: string;
  name: string;
  role: Role;
  /** Who cannot see the conversation cannot be mentioned in it. */
  can_see: boolean;
}

export interface Mention {
  id: string;
  session_id: string;
  message_id: string;
  author: string | null;
  at: string;
  read_at: string | null;
  /** `null` when the conversation is none of the reader's business any more. */
  about: { channel_id: string; customer: string; excerpt: string } | null;
}

export type TranscriptSubject =
  | { kind: 'session'; session_id: string }
  | { kind: 'customer'; messaging_user_id: string }
  | { kind: 'contact'; contact_id: string };

export interface TranscriptExport {
  id: string;
  of: TranscriptSubject;
  format: 'html' | 'csv';
  include_notes: boolean;
  time_zone: string;
  actor: string;
  actor_name: string | null;
  at: string;
  file_url: string;
}

export interface NewTranscriptExport {
  of: TranscriptSubject;
  format: 'html' | 'csv';
  include_notes?: boolean;
  time_zone?: string;
}

import { api } from '@/api/client';
import type { NewTranscriptExport, TranscriptExport } from '@/api/inbox-types';
import type { Page } from '@/api/types';

export const exportTranscript = (input: NewTranscriptExport) =>
  api.post<TranscriptExport>('/transcript-exports', input);

export const fetchExports = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<TranscriptExport>>('/transcript-exports', { cursor, limit: 50 }, signal);

import { api, apiUrl } from '@/api/client';
import type { DataTableDefinition } from '@/api/table-types';
import type {
  ContactList,
  Import,
  ImportFile,
  ImportMode,
  ImportOptions,
  Page,
  UndoCounts,
} from '@/api/types';

export const fetchImports = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Import>>('/imports', { limit: 50, cursor }, signal);

export const fetchImport = (id: string, signal?: AbortSignal) =>
  api.get<Import>(`/imports/${id}`, {}, signal);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', {}, signal);

export const uploadFile = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<ImportFile>('/import-files', form);
};

export const startImport = (fileId: string, mode: ImportMode, options: ImportOptions) =>
  api.post<Import>('/imports', { file_id: fileId, mode, options });

export const stopImport = (id: string) => api.post<Import>(`/imports/${id}/stop`);

export const fetchUndo = (id: string, signal?: AbortSignal) =>
  api.get<UndoCounts>(`/imports/${id}/undo`, {}, signal);

export const undoImport = (id: string) => api.post<Import>(`/imports/${id}/undo`);

export const errorsUrl = (id: string) => apiUrl(`/imports/${id}/errors.csv`);

export const fetchTable = (id: string, signal?: AbortSignal) =>
  api.get<DataTableDefinition>(`/tables/${id}`, {}, signal);

export const importRows = (
  tableId: string,
  fileId: string,
  mode: ImportMode,
  mapping: Record<string, string>,
) =>
  api.post<Import>('/imports', {
    file_id: fileId,
    mode,
    options: { table_id: tableId, mapping },
  });

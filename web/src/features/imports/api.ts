import { api, apiUrl } from '@/api/client';
import type { ContactList, Import, ImportOptions, ImportPreview, Page } from '@/api/types';

export const fetchImports = (signal?: AbortSignal) =>
  api.get<Page<Import>>('/imports', { limit: 50 }, signal);

export const fetchImport = (id: string, signal?: AbortSignal) =>
  api.get<Import>(`/imports/${id}`, {}, signal);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', { limit: 200 }, signal);

export const previewImport = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<ImportPreview>('/imports/preview', form);
};

export const startImport = (file: File, options: ImportOptions) => {
  const form = new FormData();
  form.append('options', JSON.stringify(options));
  form.append('file', file, file.name);
  return api.upload<Import>('/imports', form);
};

export const errorsUrl = (id: string) => apiUrl(`/imports/${id}/errors.csv`);

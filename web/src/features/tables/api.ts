import { api, apiUrl } from '@/api/client';
import type { DataTableDefinition, DataTableRow, RowsDeleted, TableInput } from '@/api/table-types';
import type { Page } from '@/api/types';

export const fetchTables = (signal?: AbortSignal) =>
  api.get<Page<DataTableDefinition>>('/tables', {}, signal);

export const fetchTable = (id: string, signal?: AbortSignal) =>
  api.get<DataTableDefinition>(`/tables/${id}`, {}, signal);

export const createTable = (input: TableInput) => api.post<DataTableDefinition>('/tables', input);

export const changeTable = (id: string, input: TableInput & { version: number }) =>
  api.patch<DataTableDefinition>(`/tables/${id}`, input);

export const deleteTable = (id: string) => api.delete<unknown>(`/tables/${id}`);

export const fetchRows = (
  id: string,
  condition: string,
  cursor: string | null,
  signal?: AbortSignal,
) =>
  api.get<Page<DataTableRow>>(
    `/tables/${id}/rows`,
    { limit: 50, cursor, ...(condition === '' ? {} : { condition }) },
    signal,
  );

/** Writes over the row with the same key. */
export const changeRow = (id: string, fields: Record<string, string>) =>
  api.put<DataTableRow>(`/tables/${id}/row`, { fields });

/** Refused where there is a row with the same key. */
export const addRow = (id: string, fields: Record<string, string>) =>
  api.put<DataTableRow>(`/tables/${id}/row`, { fields, create_only: true });

export const deleteRow = (id: string, key: string[]) =>
  api.post<RowsDeleted>(`/tables/${id}/row-deletions`, { keys: [key] });

export const exportUrl = (id: string) => apiUrl(`/tables/${id}/rows.csv`);

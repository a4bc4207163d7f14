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

/** Whether a row meets the condition. A page may be empty while there is more to look at. */
export async function hasRow(id: string, condition: string): Promise<boolean> {
  let cursor: string | null = null;
  do {
    const page: Page<DataTableRow> = await fetchRows(id, condition, cursor);
    if (page.data.length > 0) return true;
    cursor = page.next_cursor;
  } while (cursor !== null);
  return false;
}

export const writeRow = (id: string, fields: Record<string, string>) =>
  api.put<DataTableRow>(`/tables/${id}/row`, { fields });

export const deleteRow = (id: string, key: string[]) =>
  api.post<RowsDeleted>(`/tables/${id}/row-deletions`, { keys: [key] });

export const exportUrl = (id: string) => apiUrl(`/tables/${id}/rows.csv`);

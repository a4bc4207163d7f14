/** Tables beside the contacts, as the API gives and takes them. */

export type ColumnKind = 'text' | 'number' | 'date' | 'boolean' | 'choice';
export type LinkBy = 'phone' | 'external_key' | 'email';

export interface TableColumnDefinition {
  name: string;
  label: string;
  kind: ColumnKind;
  choices: string[];
  is_key: boolean;
}

export interface DataTableDefinition {
  id: string;
  /** As texts and conditions use it. */
  name: string;
  label: string;
  columns: TableColumnDefinition[];
  link: { column: string; by: LinkBy } | null;
  row_count: number;
  created_at: string;
  updated_at: string;
  version: number;
}

export interface TableColumnInput {
  name?: string;
  label: string;
  kind: ColumnKind;
  choices: string[];
  is_key: boolean;
}

export interface TableInput {
  label: string;
  columns: TableColumnInput[];
  link: { column: string; by: LinkBy } | null;
}

export interface DataTableRow {
  key: string;
  fields: Record<string, string>;
  contact_id: string | null;
  contact_name: string | null;
  created_at: string;
  updated_at: string;
}

export interface RowsDeleted {
  deleted: number;
  problems: { index: number; message: string }[];
}

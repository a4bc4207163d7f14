-- Tables beside the contacts: what they are, their rows, and what imports did to rows.

CREATE TABLE data_tables (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL, -- as texts and conditions use it; never changes
    label TEXT NOT NULL,
    columns TEXT NOT NULL, -- JSON
    link TEXT, -- JSON: the column that links a row to a contact, and by what
    row_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX data_tables_name ON data_tables (workspace_id, name);

CREATE TABLE data_rows (
    workspace_id UUID NOT NULL,
    table_id UUID NOT NULL,
    row_key TEXT NOT NULL, -- the values of the key columns, separated by U+001F
    fields TEXT NOT NULL, -- JSON
    link TEXT, -- the address in its link column: phone:, key: or email: and the address
    contact_id UUID, -- whose address that is; null while it is nobody's
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, table_id, row_key),
    FOREIGN KEY (workspace_id, table_id) REFERENCES data_tables (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX data_rows_contact ON data_rows (workspace_id, contact_id, table_id) WHERE contact_id IS NOT NULL;
CREATE INDEX data_rows_waiting ON data_rows (workspace_id, link) WHERE contact_id IS NULL AND link IS NOT NULL;

-- The table that an import writes into; null for one of contacts.
ALTER TABLE imports ADD COLUMN table_id UUID;

CREATE TABLE import_row_changes (
    workspace_id UUID NOT NULL,
    import_id UUID NOT NULL,
    row_key TEXT NOT NULL,
    fields_before TEXT, -- JSON; null when the import made the row
    fields_after TEXT NOT NULL, -- JSON
    PRIMARY KEY (workspace_id, import_id, row_key)
) /* clustered */;

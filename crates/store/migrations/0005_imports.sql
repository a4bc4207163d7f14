-- Files that are imported, what an import changed (so that it can be undone), and remembered mappings.

-- An uploaded table, read once and kept in chunks of whole rows: what is imported survives a restart and can be read by
-- every node.
CREATE TABLE import_files (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    columns TEXT NOT NULL, -- JSON: name, suggested field and samples of each
    signature TEXT NOT NULL, -- of the columns' names, for the memory of mappings
    row_count BIGINT NOT NULL,
    complete BIGINT NOT NULL, -- 1 when all chunks are there
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;

CREATE TABLE import_chunks (
    workspace_id UUID NOT NULL,
    file_id UUID NOT NULL,
    number BIGINT NOT NULL, -- 0, 1, 2, …
    data BYTEA NOT NULL, -- CSV without a header; the first cell is the row's number in the file
    PRIMARY KEY (workspace_id, file_id, number),
    FOREIGN KEY (workspace_id, file_id) REFERENCES import_files (workspace_id, id) ON DELETE CASCADE
) /* table */;

CREATE TABLE import_mappings (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    signature TEXT NOT NULL,
    options TEXT NOT NULL, -- JSON: how a file with these columns was imported last
    used_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, signature)
) /* table */;

-- What an import did to one contact; written with it, in one transaction.
CREATE TABLE import_changes (
    workspace_id UUID NOT NULL,
    import_id UUID NOT NULL,
    contact_id UUID NOT NULL,
    kind TEXT NOT NULL, -- created | updated | unchanged
    fields TEXT NOT NULL, -- JSON: value before and after of each field that was changed
    listed BIGINT NOT NULL, -- 1 when it put the contact on its list
    opted_in TEXT, -- the address for which it added an opt-in to the ledger
    PRIMARY KEY (workspace_id, import_id, contact_id)
) /* clustered */;

ALTER TABLE imports ADD COLUMN file_id UUID;
ALTER TABLE imports ADD COLUMN mode TEXT NOT NULL DEFAULT 'import'; -- import | dry_run
ALTER TABLE imports ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE imports ADD COLUMN rows_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN next_chunk BIGINT NOT NULL DEFAULT 0; -- chunks before it are worked on
ALTER TABLE imports ADD COLUMN unchanged BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN opted_out BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN kept_out BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN without_evidence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN rejections TEXT NOT NULL DEFAULT '{}'; -- JSON: rows by reason
ALTER TABLE imports ADD COLUMN undo_after UUID; -- contact up to which it is undone
ALTER TABLE imports ADD COLUMN undo TEXT; -- JSON: what the undoing came to so far
ALTER TABLE imports ADD COLUMN undone_at BIGINT;
ALTER TABLE import_errors ADD COLUMN code TEXT NOT NULL DEFAULT 'invalid_field';

CREATE INDEX leads_contact ON leads (workspace_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX cases_contact ON cases (workspace_id, contact_id) WHERE contact_id IS NOT NULL;

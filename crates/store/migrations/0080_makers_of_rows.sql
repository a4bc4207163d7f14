-- An import asks of each row that it finds unchanged whether another import made it.
CREATE INDEX import_row_changes_made ON import_row_changes (workspace_id, row_key) WHERE fields_before IS NULL;

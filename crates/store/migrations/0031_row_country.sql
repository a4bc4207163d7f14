-- The country by which numbers of a row were read; null for the workspace's.
ALTER TABLE data_rows ADD COLUMN country TEXT;
ALTER TABLE import_row_changes ADD COLUMN country_before TEXT;

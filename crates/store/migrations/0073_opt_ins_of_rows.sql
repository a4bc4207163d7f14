-- Several rows of a file may reach one contact: further addresses for which the import added an opt-in to the ledger.
ALTER TABLE import_changes ADD COLUMN opted_in_too TEXT; -- JSON

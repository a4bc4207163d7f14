-- Further e-mail addresses are found in whatever size of letters they were kept.
CREATE INDEX contact_addresses_email ON contact_addresses (workspace_id, LOWER(address)) WHERE kind = 'email';

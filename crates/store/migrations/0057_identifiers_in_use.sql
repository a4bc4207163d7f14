-- When an identifier was used stands in the index by customer too, so that all identifiers of a customer are read in one place.
-- (The others of its columns are there already: a clustered table's indexes hold its key.)
DROP INDEX messaging_identifiers_user;
CREATE INDEX messaging_identifiers_user ON messaging_identifiers (workspace_id, messaging_user_id, used_at);

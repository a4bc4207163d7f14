-- The conversations that are to be emptied of a customer who became part of another one; NULL for all of the customer's.
ALTER TABLE customer_erasures ADD COLUMN sessions TEXT; -- JSON

-- For the subjects of the cases of a conversation that is emptied.
CREATE INDEX cases_session ON cases (workspace_id, session_id) WHERE session_id IS NOT NULL;

-- A conversation that goes back to a queue waits with the time it has waited, without that of the conversation itself.
ALTER TABLE work_items ADD COLUMN accepted_at BIGINT; -- since when an agent has it
-- Who was asked to agree to a conversation and says nothing.
CREATE INDEX sessions_unagreed ON sessions (workspace_id, channel_id, idle_since) WHERE state = 'new';

-- Which message a customer counts for against the messaging limit, and what counted before it: given back when it did not leave.
ALTER TABLE initiated_chats ADD COLUMN message_id UUID;
ALTER TABLE initiated_chats ADD COLUMN before_at BIGINT;
CREATE INDEX initiated_chats_message ON initiated_chats (workspace_id, message_id) WHERE message_id IS NOT NULL;

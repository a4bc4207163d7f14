-- What programs sent to a number: its words go with a contact that is gone for good.
CREATE INDEX direct_messages_address ON direct_messages (workspace_id, address);

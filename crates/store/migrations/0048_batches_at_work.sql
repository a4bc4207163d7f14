-- Asked for with every contact that is deleted.
CREATE INDEX message_batches_working ON message_batches (workspace_id, id) WHERE state = 'working';

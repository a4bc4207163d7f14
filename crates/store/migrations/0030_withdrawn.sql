-- The rule by which a message on the wire is not to be queued again: its contact was deleted meanwhile.
ALTER TABLE outbox ADD COLUMN withdrawn TEXT;

-- A message that waits and may have left all the same: its account sends again what is in doubt. No other way takes it over.
ALTER TABLE outbox ADD COLUMN maybe_left BIGINT; -- 1: an earlier attempt may have sent it
-- Until now nobody wrote down whether an earlier attempt was in doubt.
UPDATE outbox SET maybe_left = 1 WHERE state = 'queued' AND submitted_at IS NOT NULL;

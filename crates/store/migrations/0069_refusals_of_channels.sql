-- What a provider refuses a channel's messages for, beside what the last look at the channel found.
ALTER TABLE channels ADD COLUMN refusal TEXT;
ALTER TABLE channels ADD COLUMN refused_at BIGINT;
ALTER TABLE channels ADD COLUMN refused_by TEXT;

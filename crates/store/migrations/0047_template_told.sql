-- A decision that comes late, after a newer one, is told by WhatsApp's own time of it.
ALTER TABLE templates ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0; -- WhatsApp's time of the newest decision that was told

-- WhatsApp's time of the newest notice of a number's quality: one that comes late changes nothing.
ALTER TABLE channels ADD COLUMN quality_told_at BIGINT NOT NULL DEFAULT 0;

-- WhatsApp's time of the newest category and the newest quality that were told: one that comes late changes nothing.
ALTER TABLE templates ADD COLUMN category_told_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE templates ADD COLUMN quality_told_at BIGINT NOT NULL DEFAULT 0;

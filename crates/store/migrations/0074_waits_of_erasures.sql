-- When WhatsApp is told next to forget a customer, where it could not be told.
ALTER TABLE customer_erasures ADD COLUMN next_at BIGINT NOT NULL DEFAULT 0;

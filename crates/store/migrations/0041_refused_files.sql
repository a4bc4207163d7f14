-- When the provider said that a file uploaded there is gone or bad.
ALTER TABLE channel_files ADD COLUMN refused_at BIGINT;

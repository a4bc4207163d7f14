-- Links of a campaign that stood on the installation's own host name when the workspace got a default one: they stay there.
ALTER TABLE link_settings ADD COLUMN on_base BIGINT NOT NULL DEFAULT 0;

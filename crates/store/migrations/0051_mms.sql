-- Messages with files (MMS), out and in.

ALTER TABLE campaigns ADD COLUMN media TEXT NOT NULL DEFAULT '[]'; -- ids of its files in their order

-- The files of texts. What a text has stays as long as the text does.
CREATE TABLE text_files (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    owner_id UUID NOT NULL, -- of the campaign, of the message in the outbox, or of the text that came in
    position BIGINT NOT NULL,
    media_id UUID NOT NULL,
    owner TEXT NOT NULL, -- campaign | message | inbound
    PRIMARY KEY (workspace_id, owner_id, position)
) /* clustered */;
CREATE INDEX text_files_media ON text_files (workspace_id, media_id);

ALTER TABLE inbound_texts ADD COLUMN files BIGINT NOT NULL DEFAULT 0; -- how many came with it

-- Files that somebody uploaded, until it is seen that a message holds them: what is never sent is removed.

CREATE TABLE media_uploads (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    media_id UUID NOT NULL,
    at BIGINT NOT NULL, -- when it was uploaded, or last seen to be needed without a message
    PRIMARY KEY (workspace_id, media_id)
) /* clustered */;
CREATE INDEX media_uploads_at ON media_uploads (workspace_id, at);
INSERT INTO media_uploads (workspace_id, media_id, at)
SELECT f.workspace_id, f.id, f.created_at FROM media f
WHERE f.provider_id IS NULL AND f.failure IS NULL AND NOT EXISTS (
    SELECT 1 FROM messages m WHERE m.workspace_id = f.workspace_id AND m.media_id = f.id);

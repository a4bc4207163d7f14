-- Files of messages: where their bytes are, which message each belongs to, and whether a voice message was listened to.

-- Key of the object that holds the bytes, when they are in a bucket and not in the row.
ALTER TABLE media ADD COLUMN object TEXT;

-- Objects of a bucket that no row speaks of: about to be written, or to be removed.
CREATE TABLE stray_objects (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    object TEXT NOT NULL,
    state TEXT NOT NULL, -- writing | removing
    due_at BIGINT NOT NULL, -- from when on it is to be removed
    PRIMARY KEY (workspace_id, object)
) /* clustered */;
CREATE INDEX stray_objects_due ON stray_objects (workspace_id, due_at);

-- When a voice message was listened to.
ALTER TABLE outbox ADD COLUMN played_at BIGINT;

-- The file of a message. Until now it stood in its content alone, in the shown form of its id: 26 digits of base 32.
ALTER TABLE messages ADD COLUMN media_id UUID;
-- sqlite: UPDATE messages SET media_id = (WITH RECURSIVE t (padded) AS (SELECT '00' || substr(json_extract(content, '$.media.id'), 5)), c (i, h) AS (SELECT 1, '' UNION ALL SELECT c.i + 4, c.h || printf('%05x', (((instr('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 0, 1)) - 1) * 32 + (instr('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 1, 1)) - 1)) * 32 + (instr('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 2, 1)) - 1)) * 32 + (instr('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 3, 1)) - 1)) FROM c, t WHERE c.i < 28) SELECT unhex(substr(c.h, 4)) FROM c WHERE c.i = 29) WHERE json_extract(content, '$.media.id') IS NOT NULL;
-- postgres: UPDATE messages SET media_id = (WITH RECURSIVE t (padded) AS (SELECT '00' || substr(CAST(content AS JSON) #>> '{media,id}', 5)), c (i, h) AS (SELECT 1, '' UNION ALL SELECT c.i + 4, c.h || lpad(to_hex((((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 0, 1)) - 1) * 32 + (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 1, 1)) - 1)) * 32 + (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 2, 1)) - 1)) * 32 + (strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(t.padded, c.i + 3, 1)) - 1)), 5, '0') FROM c, t WHERE c.i < 28) SELECT CAST(substr(c.h, 4) AS UUID) FROM c WHERE c.i = 29) WHERE CAST(content AS JSON) #>> '{media,id}' IS NOT NULL;
CREATE INDEX messages_media ON messages (workspace_id, media_id) WHERE media_id IS NOT NULL;
CREATE INDEX messages_files ON messages (workspace_id, session_id, at, id) WHERE media_id IS NOT NULL;

DROP VIEW message_details;
CREATE VIEW message_details AS
SELECT m.workspace_id, m.session_id, m.id, m.direction, m.author, a.name AS author_name, m.kind, m.text, m.content,
    o.state, o.rule, o.error_class, o.error_code, o.error_reason, m.at, m.client_id, f.mime AS media_mime,
    f.size AS media_size,
    CASE WHEN f.id IS NULL THEN NULL WHEN f.data IS NOT NULL OR f.object IS NOT NULL THEN 'stored'
        WHEN f.failure IS NOT NULL THEN 'failed' ELSE 'pending' END AS media_presence,
    o.played_at
FROM messages m
LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
LEFT JOIN media f ON f.workspace_id = m.workspace_id AND f.id = m.media_id;

-- Messages stand in the order in which a conversation is read. Until now each stood by its id, and its time in an index
-- beside it: two places of every conversation changed with each message. Ids grow with time, so their own index only
-- grows at its end.

DROP VIEW message_details;

CREATE TABLE messages_by_time (
    workspace_id UUID NOT NULL,
    session_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    direction TEXT NOT NULL, -- inbound | outbound | system
    author TEXT NOT NULL, -- customer | bot | agent | system
    author_id UUID,
    kind TEXT NOT NULL,
    content TEXT NOT NULL, -- JSON
    text TEXT NOT NULL, -- what can be read and searched
    provider_id TEXT,
    client_id TEXT, -- the console's own id of a message it sent
    at BIGINT NOT NULL, -- the provider's time for inbound, ours for outbound
    media_id UUID,
    PRIMARY KEY (workspace_id, session_id, at, id)
) /* clustered */;
INSERT INTO messages_by_time (workspace_id, session_id, id, channel_id, direction, author, author_id, kind, content, text,
        provider_id, client_id, at, media_id)
    SELECT workspace_id, session_id, id, channel_id, direction, author, author_id, kind, content, text, provider_id,
        client_id, at, media_id
    FROM messages ORDER BY workspace_id, session_id, at, id;
DROP TABLE messages;
ALTER TABLE messages_by_time RENAME TO messages;

CREATE UNIQUE INDEX messages_id ON messages (workspace_id, id);
CREATE UNIQUE INDEX messages_provider ON messages (workspace_id, channel_id, provider_id)
    WHERE provider_id IS NOT NULL;
CREATE UNIQUE INDEX messages_client ON messages (workspace_id, session_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX messages_media ON messages (workspace_id, media_id) WHERE media_id IS NOT NULL;
CREATE INDEX messages_files ON messages (workspace_id, session_id, at, id) WHERE media_id IS NOT NULL;

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

-- What the virus check found in a file, where files are checked.

ALTER TABLE media ADD COLUMN check_state TEXT; -- checking | clean | infected | unchecked; NULL when it was stored without a check
ALTER TABLE media ADD COLUMN check_detail TEXT; -- what was found, or why it could not be checked
CREATE INDEX media_check ON media (workspace_id, check_state) WHERE check_state IN ('checking', 'infected', 'unchecked');

DROP VIEW message_details;
CREATE VIEW message_details AS
SELECT m.workspace_id, m.session_id, m.id, m.direction, m.author, a.name AS author_name, m.kind, m.text, m.content,
    o.state, o.rule, o.error_class, o.error_code, o.error_reason, m.at, m.client_id, f.mime AS media_mime,
    f.size AS media_size,
    CASE WHEN f.id IS NULL THEN NULL
        WHEN f.check_state = 'infected' THEN 'infected'
        WHEN f.data IS NOT NULL OR f.object IS NOT NULL THEN
            CASE WHEN f.check_state IN ('checking', 'unchecked') THEN f.check_state ELSE 'stored' END
        WHEN f.failure IS NOT NULL THEN 'failed' ELSE 'pending' END AS media_presence,
    o.played_at
FROM messages m
LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
LEFT JOIN media f ON f.workspace_id = m.workspace_id AND f.id = m.media_id;

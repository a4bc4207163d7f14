-- Where a session stands among others, in steps of ten seconds since the epoch. Indexes of the very times would be written with
-- each message; these are written with the first of each ten seconds, and within a step the very times decide.
ALTER TABLE sessions ADD COLUMN last_step BIGINT NOT NULL DEFAULT 0; -- of last_at
ALTER TABLE sessions ADD COLUMN window_step BIGINT; -- of window_expires_at
UPDATE sessions SET last_step = last_at / 10000, window_step = window_expires_at / 10000;

DROP INDEX sessions_open;
DROP INDEX sessions_quiet;
DROP INDEX sessions_closing;
CREATE INDEX sessions_open ON sessions (workspace_id, last_step) WHERE state <> 'ended';
CREATE INDEX sessions_quiet ON sessions (workspace_id, window_step) WHERE state = 'active';
CREATE INDEX sessions_closing ON sessions (workspace_id, window_step) WHERE state <> 'ended';

DROP VIEW session_details;
CREATE VIEW session_details AS
SELECT s.workspace_id, s.id, s.channel_id, s.state, s.messaging_user_id,
    u.profile_name, u.username, u.contact_id, u.lead_id, c.first_name, c.last_name, l.name AS lead_name,
    (SELECT i.value FROM messaging_identifiers i
        WHERE i.workspace_id = s.workspace_id AND i.messaging_user_id = u.id AND i.kind = 'phone'
        ORDER BY i.used_at DESC, i.value LIMIT 1) AS phone,
    s.campaign_id, k.name AS campaign_name, s.attribution, s.queue_id, s.agent_id, a.name AS agent_name,
    r.status AS bot_status, s.opt_in, s.opt_in_at, s.window_expires_at, s.unread, s.last_text, s.last_direction,
    s.last_at, s.started_at, s.ended_at, s.ended_by, s.case_id, s.gathered, s.version,
    s.origin, s.free_entry_until, s.pending, s.customer_messages, s.agent_messages, s.bot_messages, s.answers,
    s.answers_took, s.first_answer_took, s.waits_since,
    LOWER(COALESCE(u.profile_name, '') || ' ' || COALESCE(u.username, '') || ' ' || COALESCE(l.name, ''))
        || ' ' || COALESCE(c.search, '') AS search,
    s.last_step, s.window_step
FROM sessions s
JOIN messaging_users u ON u.workspace_id = s.workspace_id AND u.id = s.messaging_user_id
LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = u.contact_id
LEFT JOIN leads l ON l.workspace_id = s.workspace_id AND l.id = u.lead_id
LEFT JOIN campaigns k ON k.workspace_id = s.workspace_id AND k.id = s.campaign_id
LEFT JOIN users a ON a.workspace_id = s.workspace_id AND a.id = s.agent_id
LEFT JOIN flow_runs r ON r.workspace_id = s.workspace_id AND r.session_id = s.id;

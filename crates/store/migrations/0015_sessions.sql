-- What a session knows about itself while it runs (its origin, who wrote how much, how fast people answered, when its
-- free entry point ends), replies that wait for the customer, and what a channel says and does by itself.

ALTER TABLE channels ADD COLUMN conversation TEXT NOT NULL DEFAULT '{}'; -- JSON: hours, automatic messages, silence, opt-in

ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT 'customer'; -- customer | agent | recorded
ALTER TABLE sessions ADD COLUMN referred_at BIGINT; -- the customer came by an advertisement; the provider's time
ALTER TABLE sessions ADD COLUMN free_entry_until BIGINT; -- messages are free of charge until then
ALTER TABLE sessions ADD COLUMN pending BIGINT NOT NULL DEFAULT 0; -- replies that wait for the customer
ALTER TABLE sessions ADD COLUMN customer_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN agent_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN bot_messages BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN answers BIGINT NOT NULL DEFAULT 0; -- of people, to something that waited
ALTER TABLE sessions ADD COLUMN answers_took BIGINT NOT NULL DEFAULT 0; -- all of them together, in milliseconds
ALTER TABLE sessions ADD COLUMN first_answer_took BIGINT;
ALTER TABLE sessions ADD COLUMN waits_since BIGINT; -- the customer waits for a person since
ALTER TABLE sessions ADD COLUMN idle_since BIGINT; -- the customer is silent since this message to them
ALTER TABLE sessions ADD COLUMN idle_warned BIGINT NOT NULL DEFAULT 0; -- 1 when that silence was spoken to

CREATE INDEX sessions_closing ON sessions (workspace_id, window_expires_at, id) WHERE state <> 'ended';
CREATE INDEX sessions_idle ON sessions (workspace_id, channel_id, idle_since) WHERE state IN ('active', 'inactive');

ALTER TABLE work_items ADD COLUMN preferred_id UUID; -- who is asked before everybody else

CREATE TABLE pending_replies (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    session_id UUID NOT NULL,
    content TEXT NOT NULL, -- JSON: what is sent
    text TEXT NOT NULL, -- what can be read of it
    author_id UUID,
    client_id TEXT, -- the console's own id
    reason TEXT NOT NULL, -- window_closed | refused
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, session_id) REFERENCES sessions (workspace_id, id)
) /* table */;
CREATE INDEX pending_replies_session ON pending_replies (workspace_id, session_id, created_at, id);
CREATE INDEX pending_replies_expiry ON pending_replies (workspace_id, expires_at);
CREATE UNIQUE INDEX pending_replies_client ON pending_replies (workspace_id, session_id, client_id)
    WHERE client_id IS NOT NULL;

DROP VIEW session_details;
-- A session with the names of everything it points to. Read with `SELECT v.*`: the columns' order is part of the code.
CREATE VIEW session_details AS
SELECT s.workspace_id, s.id, s.channel_id, s.state, s.messaging_user_id,
    u.profile_name, u.username, u.contact_id, u.lead_id, c.first_name, c.last_name, l.name AS lead_name,
    (SELECT MIN(i.value) FROM messaging_identifiers i
        WHERE i.workspace_id = s.workspace_id AND i.messaging_user_id = u.id AND i.kind = 'phone') AS phone,
    s.campaign_id, k.name AS campaign_name, s.attribution, s.queue_id, s.agent_id, a.name AS agent_name,
    r.status AS bot_status, s.opt_in, s.opt_in_at, s.window_expires_at, s.unread, s.last_text, s.last_direction,
    s.last_at, s.started_at, s.ended_at, s.ended_by, s.case_id, s.gathered, s.version,
    s.origin, s.free_entry_until, s.pending, s.customer_messages, s.agent_messages, s.bot_messages, s.answers,
    s.answers_took, s.first_answer_took, s.waits_since,
    LOWER(COALESCE(u.profile_name, '') || ' ' || COALESCE(u.username, '') || ' ' || COALESCE(l.name, ''))
        || ' ' || COALESCE(c.search, '') AS search
FROM sessions s
JOIN messaging_users u ON u.workspace_id = s.workspace_id AND u.id = s.messaging_user_id
LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = u.contact_id
LEFT JOIN leads l ON l.workspace_id = s.workspace_id AND l.id = u.lead_id
LEFT JOIN campaigns k ON k.workspace_id = s.workspace_id AND k.id = s.campaign_id
LEFT JOIN users a ON a.workspace_id = s.workspace_id AND a.id = s.agent_id
LEFT JOIN flow_runs r ON r.workspace_id = s.workspace_id AND r.session_id = s.id;

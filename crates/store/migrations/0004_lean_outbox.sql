-- The outbox and the provider's ids with fewer and cheaper indexes: each message of a campaign passes through them four
-- times. A condition with three words in IN makes SQLite build a temporary table at every change of a row, which cost
-- more than all the rest together; the same condition with OR costs nothing.

DROP VIEW message_details;
DROP INDEX outbox_due;
DROP INDEX outbox_campaign_due;
DROP INDEX outbox_leased;
DROP INDEX outbox_campaign;
DROP INDEX outbox_session_open;
DROP INDEX outbox_waiting_address;
DROP INDEX outbox_unclear_address;
ALTER TABLE outbox RENAME TO outbox_before;

CREATE TABLE outbox (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL, -- the message's id
    channel_id UUID NOT NULL,
    class TEXT NOT NULL,
    dedupe_key TEXT, -- names the cause; NULL for a message of a campaign, which its campaign and address name
    address TEXT NOT NULL, -- E.164 or BSUID
    address_kind TEXT NOT NULL, -- phone | bsuid
    payload TEXT NOT NULL,
    campaign_id UUID,
    position BIGINT,
    session_id UUID,
    state TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    expires_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    provider_id TEXT,
    rule TEXT, -- the policy rule that held or refused it
    error_class TEXT,
    error_code TEXT,
    error_reason TEXT,
    segments BIGINT,
    created_at BIGINT NOT NULL,
    submitted_at BIGINT,
    accepted_at BIGINT,
    delivered_at BIGINT,
    read_at BIGINT,
    failed_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

INSERT INTO outbox (workspace_id, id, channel_id, class, dedupe_key, address, address_kind, payload, campaign_id, position,
    session_id, state, not_before, expires_at, attempts, lease_owner, lease_epoch, lease_until, provider_id, rule,
    error_class, error_code, error_reason, segments, created_at, submitted_at, accepted_at, delivered_at, read_at,
    failed_at)
SELECT workspace_id, id, channel_id, class, CASE WHEN campaign_id IS NULL THEN dedupe_key END, address, address_kind,
    payload, campaign_id, position, session_id, state, not_before, expires_at, attempts, lease_owner, lease_epoch,
    lease_until, provider_id, rule, error_class, error_code, error_reason, segments, created_at, submitted_at,
    accepted_at, delivered_at, read_at, failed_at
FROM outbox_before;
DROP TABLE outbox_before;

CREATE UNIQUE INDEX outbox_cause ON outbox (workspace_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
-- Also how a STOP finds what a campaign has waiting for an address.
CREATE UNIQUE INDEX outbox_campaign_address ON outbox (workspace_id, campaign_id, address)
    WHERE campaign_id IS NOT NULL;
CREATE INDEX outbox_due ON outbox (channel_id, not_before, id) WHERE state = 'queued' AND campaign_id IS NULL;
CREATE INDEX outbox_campaign_due ON outbox (workspace_id, campaign_id, channel_id, not_before, id)
    WHERE state = 'queued' AND campaign_id IS NOT NULL;
CREATE INDEX outbox_waiting_address ON outbox (workspace_id, address)
    WHERE campaign_id IS NULL AND (state = 'queued' OR state = 'claimed');
-- What is on its way out or in doubt; never more than the windows hold, and what crashes left.
CREATE INDEX outbox_unsettled ON outbox (workspace_id, state, channel_id, address)
    WHERE state = 'claimed' OR state = 'submitting' OR state = 'unknown';
CREATE INDEX outbox_session_open ON outbox (workspace_id, session_id, id)
    WHERE session_id IS NOT NULL AND (state = 'queued' OR state = 'claimed' OR state = 'submitting');
CREATE INDEX outbox_campaign_failed ON outbox (workspace_id, campaign_id) WHERE state = 'failed';

ALTER TABLE provider_messages ADD COLUMN part BIGINT; -- 1, 2, … of a message of several parts, NULL of a whole one
UPDATE provider_messages SET part = 1;
DROP INDEX provider_messages_message;
CREATE INDEX provider_messages_message ON provider_messages (workspace_id, message_id) WHERE part IS NOT NULL;

-- A transcript entry with its author's name and what became of it on its way out. Read with `SELECT v.*`.
CREATE VIEW message_details AS
SELECT m.workspace_id, m.session_id, m.id, m.direction, m.author, a.name AS author_name, m.kind, m.text, m.content,
    o.state, o.rule, o.error_class, o.error_code, o.error_reason, m.at, m.client_id
FROM messages m
LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id;

-- How many recipients of a campaign are where, kept with every change, so that a campaign's figures cost the same for a
-- thousand recipients and for a million. See `tally.rs` for the words.
CREATE TABLE campaign_tallies (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    bucket TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, bucket)
) /* clustered */;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'planned', COUNT(*) FROM recipients GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'not_planned:' || rule, COUNT(*) FROM recipients WHERE message_id IS NULL
GROUP BY workspace_id, campaign_id, rule;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT q.workspace_id, q.campaign_id, q.bucket, COUNT(*) FROM (SELECT workspace_id, campaign_id,
        CASE WHEN state IN ('queued', 'claimed', 'submitting') THEN 'queued' WHEN state = 'accepted' THEN 'sent'
            WHEN state IN ('delivered', 'read') THEN 'delivered'
            WHEN state IN ('suppressed', 'expired') THEN 'refused:' || COALESCE(rule, 'expired') ELSE state END AS bucket
    FROM outbox WHERE campaign_id IS NOT NULL) q
GROUP BY q.workspace_id, q.campaign_id, q.bucket;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'tapped', COUNT(*) FROM recipients WHERE first_tap_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'chats', COUNT(*) FROM recipients WHERE chat_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'bot_finished', COUNT(*) FROM recipients WHERE bot_finished_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'agent', COUNT(*) FROM recipients WHERE agent_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'cases', COUNT(*) FROM recipients WHERE case_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'leads', COUNT(*) FROM recipients WHERE lead_at IS NOT NULL
GROUP BY workspace_id, campaign_id;
INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count)
SELECT workspace_id, campaign_id, 'won', COUNT(*) FROM recipients WHERE won_at IS NOT NULL
GROUP BY workspace_id, campaign_id;

-- Registrations with carriers and regulators, what became of each, and the senders they belong to.

CREATE TABLE registrations (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    kind TEXT NOT NULL, -- brand | campaign | toll_free | short_code | sender_id
    name TEXT NOT NULL,
    country TEXT, -- ISO 3166-1; none: every country that asks for this kind
    parent_id UUID, -- the brand of a campaign
    reference TEXT, -- its id at the registry
    state TEXT NOT NULL, -- draft | submitted | in_review | approved | rejected | expired
    details TEXT NOT NULL, -- JSON object
    note TEXT,
    submitted_at BIGINT,
    decided_at BIGINT,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, parent_id) REFERENCES registrations (workspace_id, id)
) /* table */;

CREATE TABLE registration_events (
    workspace_id UUID NOT NULL,
    registration_id UUID NOT NULL,
    id UUID NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, registration_id, id),
    FOREIGN KEY (workspace_id, registration_id) REFERENCES registrations (workspace_id, id)
) /* clustered */;

CREATE TABLE sender_registrations (
    workspace_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    registration_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, sender_id, registration_id),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id),
    FOREIGN KEY (workspace_id, registration_id) REFERENCES registrations (workspace_id, id)
) /* clustered */;

-- Countries (ISO 3166-1) a sender may send to, as a JSON array; empty: all.
ALTER TABLE senders ADD COLUMN countries TEXT NOT NULL DEFAULT '[]';

-- Senders that share the texts to many people. A number keeps the sender it was first texted from.
CREATE TABLE sender_pools (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
) /* table */;

CREATE TABLE sender_pool_members (
    workspace_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, pool_id, sender_id),
    FOREIGN KEY (workspace_id, pool_id) REFERENCES sender_pools (workspace_id, id),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id)
) /* clustered */;

CREATE TABLE sticky_senders (
    workspace_id UUID NOT NULL,
    pool_id UUID NOT NULL,
    address TEXT NOT NULL,
    sender_id UUID NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, pool_id, address)
) /* clustered */;

ALTER TABLE campaigns ADD COLUMN pool_id UUID;
ALTER TABLE message_batches ADD COLUMN pool_id UUID;

-- A second way for what is known not to have been sent.
ALTER TABLE senders ADD COLUMN fallback_id UUID;
ALTER TABLE senders ADD COLUMN fallback_after_seconds BIGINT;
ALTER TABLE channels ADD COLUMN down_since BIGINT; -- without connection since then; none while connected

CREATE TABLE failovers (
    workspace_id UUID NOT NULL,
    message_id UUID NOT NULL,
    from_sender_id UUID NOT NULL,
    to_sender_id UUID NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, message_id)
) /* clustered */;

-- What was used of limits: segments by second, minute, or the carriers' day.
ALTER TABLE senders ADD COLUMN segments_per_second BIGINT;
ALTER TABLE registrations ADD COLUMN segments_per_minute BIGINT;
ALTER TABLE registrations ADD COLUMN segments_per_day BIGINT;

CREATE TABLE rate_windows (
    workspace_id UUID NOT NULL,
    limit_id UUID NOT NULL, -- of the sender or registration
    period TEXT NOT NULL, -- second | minute | day
    starts_at BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    refused BIGINT NOT NULL DEFAULT 0, -- segments that found no room and were put off
    PRIMARY KEY (workspace_id, limit_id, period, starts_at)
) /* clustered */;

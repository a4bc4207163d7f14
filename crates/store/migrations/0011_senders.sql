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

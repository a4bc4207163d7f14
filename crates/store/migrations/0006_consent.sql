-- Consent: the chained ledger, programmes, words that people text, and what waits for a person's look.

ALTER TABLE consent_events ADD COLUMN scope TEXT NOT NULL DEFAULT 'all'; -- all, a sender's or a programme's id
ALTER TABLE consent_events ADD COLUMN expires_at BIGINT; -- of a grant that was given for a time only
ALTER TABLE consent_events ADD COLUMN context TEXT; -- JSON: page, form version, address of the computer, language
ALTER TABLE consent_events ADD COLUMN seq BIGINT; -- place in the chain of the workspace; NULL before there was one
ALTER TABLE consent_events ADD COLUMN previous_hash BYTEA;
ALTER TABLE consent_events ADD COLUMN hash BYTEA;
CREATE UNIQUE INDEX consent_events_seq ON consent_events (workspace_id, seq) WHERE seq IS NOT NULL;

ALTER TABLE consents ADD COLUMN expires_at BIGINT;
CREATE INDEX consents_expiry ON consents (workspace_id, expires_at) WHERE expires_at IS NOT NULL;

-- The end of each workspace's chain.
CREATE TABLE consent_chains (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (workspace_id)
) /* table */;

-- What the entries about one sender or programme amount to.
CREATE TABLE scoped_consents (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    scope_id UUID NOT NULL, -- of the sender or programme
    medium TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, address, scope_id, medium, purpose)
) /* clustered */;

-- Messages that may take consent back. While one is open, marketing to its address waits.
CREATE TABLE consent_reviews (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    address TEXT NOT NULL,
    medium TEXT NOT NULL,
    sender TEXT NOT NULL, -- the number of ours it was sent to
    text TEXT NOT NULL,
    reading TEXT NOT NULL, -- JSON: the words that led to it
    proof TEXT NOT NULL,
    state TEXT NOT NULL, -- open | revoked | kept
    decided_by TEXT,
    decided_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX consent_reviews_state ON consent_reviews (workspace_id, state, id);

-- The addresses that an open review holds marketing back from.
CREATE TABLE consent_holds (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    review_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, address, review_id),
    FOREIGN KEY (workspace_id, review_id) REFERENCES consent_reviews (workspace_id, id)
) /* clustered */;
CREATE INDEX consent_holds_review ON consent_holds (workspace_id, review_id);

-- Every text of a customer in full, as long as the workspace exists.
CREATE TABLE inbound_texts (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    sender TEXT NOT NULL, -- the number of ours it was sent to
    address TEXT NOT NULL, -- E.164, or as the carrier gave it
    text TEXT NOT NULL,
    outcome TEXT NOT NULL, -- what was done about it
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX inbound_texts_address ON inbound_texts (workspace_id, address, id);

CREATE TABLE programmes (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    sender_id UUID NOT NULL,
    name TEXT NOT NULL,
    opt_in TEXT NOT NULL, -- single | double | age_gated
    covers TEXT NOT NULL, -- programme | all_marketing
    list_id UUID, -- subscribers are put on it
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id)
) /* table */;

CREATE TABLE keywords (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    sender_id UUID NOT NULL,
    word TEXT NOT NULL,
    plain TEXT NOT NULL, -- the form in which it is compared
    action TEXT NOT NULL,
    programme_id UUID,
    valid_from BIGINT,
    valid_until BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id),
    FOREIGN KEY (workspace_id, programme_id) REFERENCES programmes (workspace_id, id)
) /* table */;
CREATE INDEX keywords_plain ON keywords (workspace_id, sender_id, plain);

-- One row for each number and programme, whatever happened to it.
CREATE TABLE subscriptions (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    programme_id UUID NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL, -- pending | active | ended
    method TEXT NOT NULL,
    awaits TEXT, -- confirmation | birth_date, while it is pending
    tries BIGINT NOT NULL DEFAULT 0, -- unreadable answers so far
    asked_times BIGINT NOT NULL DEFAULT 0,
    asked_since BIGINT,
    asked_at BIGINT,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT,
    confirmed_at BIGINT,
    ended_at BIGINT,
    end_reason TEXT,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, programme_id, address),
    FOREIGN KEY (workspace_id, programme_id) REFERENCES programmes (workspace_id, id)
) /* table */;
CREATE INDEX subscriptions_address ON subscriptions (workspace_id, address);
CREATE INDEX subscriptions_expiry ON subscriptions (workspace_id, expires_at) WHERE state = 'pending';
CREATE INDEX subscriptions_programme ON subscriptions (workspace_id, programme_id, id);

-- The question of a chain that a number was asked last; the answer goes to it.
CREATE TABLE keyword_dialogues (
    workspace_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    address TEXT NOT NULL,
    keyword_id UUID NOT NULL,
    question BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, sender_id, address),
    FOREIGN KEY (workspace_id, keyword_id) REFERENCES keywords (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

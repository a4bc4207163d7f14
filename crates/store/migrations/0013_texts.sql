-- What texts are made of: snippets, other languages, the opt-out line; the suppression list with its history, numbers that
-- bounced, and the parts of long texts that people send.

ALTER TABLE campaigns ADD COLUMN texts TEXT NOT NULL DEFAULT '[]'; -- JSON: the body in other languages
ALTER TABLE campaigns ADD COLUMN opt_out_line TEXT; -- JSON: the setting as it was at the start; null in a draft
UPDATE campaigns SET opt_out_line = '{"when":"never"}' WHERE state <> 'draft';

CREATE TABLE snippets (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL, -- texts include a snippet by it, so it never changes
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT, -- its versions stay for what was sent with them
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
) /* table */;

CREATE TABLE snippet_versions (
    workspace_id UUID NOT NULL,
    snippet_id UUID NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, snippet_id, version),
    FOREIGN KEY (workspace_id, snippet_id) REFERENCES snippets (workspace_id, id)
) /* clustered */;

-- The versions that a campaign was started with.
CREATE TABLE campaign_snippets (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    snippet_id UUID NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, snippet_id),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, snippet_id, version) REFERENCES snippet_versions (workspace_id, snippet_id, version)
) /* clustered */;

-- Messages that told a person how to stop; written only where the first message to a person gets the opt-out line.
CREATE TABLE opt_out_notices (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    message_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, address, message_id)
) /* clustered */;

ALTER TABLE suppressions ADD COLUMN source TEXT NOT NULL DEFAULT 'manual'; -- manual | file | bounce | deactivated
ALTER TABLE suppressions ADD COLUMN actor TEXT;

CREATE TABLE suppression_events (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL, -- added | removed
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (workspace_id, address, at, action)
) /* clustered */;

-- Numbers that messages could not be delivered to because of the number itself.
CREATE TABLE bounces (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    count BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    code TEXT, -- of the last one, as the provider gave it
    reason TEXT, -- in words
    PRIMARY KEY (workspace_id, address)
) /* clustered */;

-- Parts of long texts that people send, kept until all are there or the wait is over, and a day longer against repeats.
CREATE TABLE inbound_parts (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    sender TEXT NOT NULL, -- the person's number as the carrier writes it
    recipient TEXT NOT NULL,
    reference BIGINT NOT NULL,
    total BIGINT NOT NULL,
    number BIGINT NOT NULL,
    part TEXT NOT NULL, -- JSON: charset and octets
    inbox_id UUID NOT NULL,
    received_at BIGINT NOT NULL,
    read_at BIGINT, -- when the text was read, whole or as far as it came
    PRIMARY KEY (workspace_id, channel_id, sender, recipient, reference, total, number)
) /* clustered */;
CREATE INDEX inbound_parts_received ON inbound_parts (workspace_id, received_at);

-- What WhatsApp charged each message as, and what it tells of the account, its numbers and its templates.

CREATE TABLE message_charges (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    channel_id UUID NOT NULL,
    provider_id TEXT NOT NULL, -- the message at the provider; one row for each, however often it is told
    rank BIGINT NOT NULL, -- of the status it was told with: 0 failed, 1 sent to 4 played
    at BIGINT NOT NULL, -- the provider's time of that status
    model TEXT,
    kind TEXT,
    category TEXT,
    billable BIGINT, -- 0 or 1; NULL when it is not said
    PRIMARY KEY (workspace_id, channel_id, provider_id)
) /* clustered */;
CREATE INDEX message_charges_time ON message_charges (workspace_id, channel_id, at);

CREATE TABLE channel_notices (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    key TEXT NOT NULL, -- names the event: told again it makes no second row
    severity TEXT NOT NULL, -- information | warning | critical
    text TEXT NOT NULL, -- for people
    at BIGINT NOT NULL, -- the provider's time
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, key)
) /* table */;
CREATE INDEX channel_notices_channel ON channel_notices (workspace_id, channel_id, id);

-- What customers deleted before it came: remembered for some days, so that it is deleted when it comes.

CREATE TABLE early_deletions (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    channel_id UUID NOT NULL,
    about TEXT NOT NULL, -- the provider's id of what was deleted
    provider_id TEXT NOT NULL, -- of the deletion itself
    writers TEXT NOT NULL, -- JSON: the addresses of who deleted it; nobody else's message is touched
    at BIGINT NOT NULL, -- the provider's time
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, about, provider_id)
) /* clustered */;
CREATE INDEX early_deletions_received ON early_deletions (workspace_id, received_at);

-- Files that campaigns send above their template: none of them goes while a campaign needs it.
CREATE TABLE campaign_files (
    workspace_id UUID NOT NULL,
    media_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, media_id, campaign_id),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX campaign_files_campaign ON campaign_files (workspace_id, campaign_id);

-- What a channel's provider calls a file that was uploaded there.
CREATE TABLE channel_files (
    workspace_id UUID NOT NULL,
    media_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    number TEXT NOT NULL, -- the number it was uploaded for, in the provider's word
    provider_id TEXT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, media_id, channel_id),
    FOREIGN KEY (workspace_id, media_id) REFERENCES media (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

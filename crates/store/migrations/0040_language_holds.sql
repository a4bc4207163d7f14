-- Translations in which messages of a campaign waited, or were not sent, because WhatsApp does not take them now.
CREATE TABLE campaign_language_holds (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    language TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, language),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- Forms of the business at WhatsApp, as the platform listed them last.

CREATE TABLE whatsapp_forms (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    provider_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL, -- the platform's word; only PUBLISHED can be offered
    categories TEXT NOT NULL, -- JSON: what it is for, in the platform's words
    synced_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) /* table */;
CREATE UNIQUE INDEX whatsapp_forms_provider ON whatsapp_forms (workspace_id, channel_id, provider_id);

-- How many messages of a month were charged, by market and category: what the tiers of WhatsApp's prices go by.

ALTER TABLE message_charges ADD COLUMN month TEXT; -- 2026-10, in the account's time zone; NULL when it counts towards no tier
ALTER TABLE message_charges ADD COLUMN market TEXT;
ALTER TABLE message_charges ADD COLUMN counts_as TEXT; -- utility | authentication
ALTER TABLE message_charges ADD COLUMN place BIGINT; -- which message of the month it was when it was counted, from 1

CREATE TABLE volume_counts (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    channel_id UUID NOT NULL,
    month TEXT NOT NULL,
    market TEXT NOT NULL,
    category TEXT NOT NULL,
    portfolio TEXT NOT NULL, -- the channel's: its numbers count together
    messages BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, month, market, category)
) /* clustered */;
CREATE INDEX volume_counts_portfolio ON volume_counts (workspace_id, portfolio, month, market, category);

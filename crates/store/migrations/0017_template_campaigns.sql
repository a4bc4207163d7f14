-- Campaigns by WhatsApp template: what is sent, what holds them, how many customers may be written to, and what it costs.

ALTER TABLE campaigns ADD COLUMN template TEXT; -- JSON: name, language and values; null in a campaign by SMS
ALTER TABLE campaigns ADD COLUMN template_channel_id UUID; -- the number it goes out from
ALTER TABLE campaigns ADD COLUMN hold_rule TEXT; -- why nothing leaves now, though nobody has paused it
ALTER TABLE campaigns ADD COLUMN hold_until BIGINT; -- when it is tried again; null while that is not known
ALTER TABLE campaigns ADD COLUMN hold_since BIGINT;

-- How many customers a business portfolio may write to first in 24 hours, as the platform told last.
CREATE TABLE messaging_limits (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    portfolio TEXT NOT NULL, -- the business account: its numbers share the limit
    most BIGINT, -- null when there is no limit
    told_at BIGINT, -- when the platform told it; null when it never did
    used BIGINT NOT NULL DEFAULT 0, -- customers counted; never less than the rows below
    counted_at BIGINT NOT NULL DEFAULT 0, -- when the rows were last counted
    PRIMARY KEY (workspace_id, portfolio)
) /* clustered */;

-- Customers whom the business wrote to first, with the last time.
CREATE TABLE initiated_chats (
    workspace_id UUID NOT NULL,
    portfolio TEXT NOT NULL,
    address TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, portfolio, address)
) /* clustered */;
CREATE INDEX initiated_chats_at ON initiated_chats (workspace_id, portfolio, at);

-- Marketing that is stopped because of its quality: of a number, or of one of its templates.
CREATE TABLE marketing_brakes (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    subject TEXT NOT NULL, -- '' for the number, else the template's name
    reason TEXT NOT NULL, -- in words
    since BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, subject),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) /* clustered */;

-- Price lists of the platform that somebody has taken in.
CREATE TABLE rate_cards (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    valid_from TEXT NOT NULL, -- the day, 2026-10-01
    currency TEXT NOT NULL,
    name TEXT NOT NULL,
    rates TEXT NOT NULL, -- JSON: market, category, volume and price
    actor TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, valid_from, currency)
) /* table */;

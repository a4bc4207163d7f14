-- What a marketer sets about a campaign's links, where they lead, and more of what a click tells.

-- Host names of the workspace's own that short links stand on. TLS for them ends in front of Segue.
CREATE TABLE link_domains (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    host TEXT NOT NULL UNIQUE, -- lower case; a host belongs to one workspace of the installation
    check_token TEXT NOT NULL UNIQUE, -- who asks for this address at the host has shown that the host leads here
    verified_at BIGINT,
    is_default BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;

-- One row per campaign whose links somebody has set something about.
CREATE TABLE link_settings (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    domain_id UUID,
    shorten TEXT NOT NULL, -- every | none: addresses in the text
    expires_at BIGINT,
    stopped_at BIGINT, -- the kill switch of all the campaign's links
    landing TEXT NOT NULL, -- none | desktop | always
    legal_text TEXT NOT NULL,
    consent_wording TEXT NOT NULL, -- empty: the page asks for nothing
    PRIMARY KEY (workspace_id, campaign_id),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- Where the links of a campaign lead. Nothing but these targets is ever redirected to.
CREATE TABLE campaign_links (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    link BIGINT NOT NULL, -- 0 is the chat, from 1 on the addresses in the text
    target TEXT, -- NULL for the chat, whose target is made of the channel's own number
    expires_at BIGINT,
    stopped_at BIGINT,
    PRIMARY KEY (workspace_id, campaign_id, link),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

ALTER TABLE clicks ADD COLUMN link BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clicks ADD COLUMN device TEXT NOT NULL DEFAULT 'other'; -- android | iphone | tablet | desktop | other

-- Customers for whom WhatsApp has held a promotion back because they got enough of them: nothing promotional of a campaign
-- goes to them from that number until then.
CREATE TABLE marketing_rests (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    address TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, address)
) /* clustered */;
CREATE INDEX marketing_rests_ends ON marketing_rests (workspace_id, ends_at);

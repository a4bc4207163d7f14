-- Everybody who changed a campaign while it was a draft: none of them can approve it.
CREATE TABLE campaign_editors (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, user_id),
    FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

INSERT INTO campaign_editors (workspace_id, campaign_id, user_id)
    SELECT workspace_id, id, edited_by FROM campaigns WHERE edited_by IS NOT NULL;

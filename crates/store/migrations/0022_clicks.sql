-- Clicks in one tree instead of three. A click is only ever added and counted by campaign, so it stands where its
-- campaign's last one does; finding a recipient's clicks by an index cost a page written for each click. What was asked
-- of that index is kept with the recipient.

ALTER TABLE recipients ADD COLUMN last_chat_tap_at BIGINT; -- last tap of the link to the chat that passed the filter, about
ALTER TABLE recipients ADD COLUMN early_tap_at BIGINT; -- first tap that came too soon to be a person's

UPDATE recipients SET last_chat_tap_at = (SELECT MAX(k.at) FROM clicks k
    WHERE k.workspace_id = recipients.workspace_id AND k.campaign_id = recipients.campaign_id
        AND k.position = recipients.position AND k.verdict = 'person' AND k.link = 0)
    WHERE first_tap_at IS NOT NULL;
UPDATE recipients SET early_tap_at = (SELECT MIN(k.at) FROM clicks k
    WHERE k.workspace_id = recipients.workspace_id AND k.campaign_id = recipients.campaign_id
        AND k.position = recipients.position AND k.verdict = 'early')
    WHERE EXISTS (SELECT 1 FROM clicks k WHERE k.workspace_id = recipients.workspace_id
        AND k.campaign_id = recipients.campaign_id AND k.position = recipients.position AND k.verdict = 'early');

DROP INDEX clicks_campaign;
ALTER TABLE clicks RENAME TO clicks_before;
CREATE TABLE clicks (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    id UUID NOT NULL,
    position BIGINT NOT NULL,
    link BIGINT NOT NULL, -- 0 is the chat, from 1 on the addresses in the text
    verdict TEXT NOT NULL, -- person | robot | preview | head | early
    device TEXT NOT NULL, -- android | iphone | tablet | desktop | other
    user_agent TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, campaign_id, id)
) /* clustered */;
INSERT INTO clicks (workspace_id, campaign_id, id, position, link, verdict, device, user_agent, at)
    SELECT workspace_id, campaign_id, id, position, link, verdict, device, user_agent, at FROM clicks_before;
DROP TABLE clicks_before;

-- What a block has told to the provider, and sessions whose words are not to be found.

-- The addresses that the provider was told, so that an unblock goes to the same ones; empty for a block of before.
ALTER TABLE customer_blocks ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]'; -- JSON: kind and address
-- Until when one worker tells the provider about this block; others wait, so that an older word never comes last.
ALTER TABLE customer_blocks ADD COLUMN telling_until BIGINT NOT NULL DEFAULT 0;

-- Sessions of contacts that were deleted: what was written in them up to then is not to be found, whatever is added anew.
CREATE TABLE search_hidden (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    session_id UUID NOT NULL,
    hidden_to UUID NOT NULL, -- the last message of the time of the deletion
    PRIMARY KEY (workspace_id, session_id)
) /* clustered */;

-- How surely the chat of a recipient is his, as it was when it opened.
ALTER TABLE recipients ADD COLUMN chat_tier TEXT; -- certain | claimed | inferred

-- The advertisement that the customer of a session came by last.
CREATE TABLE session_ads (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    session_id UUID NOT NULL,
    source_id TEXT NOT NULL, -- the platform's id of the advertisement; empty when it told none
    came_from TEXT NOT NULL, -- JSON
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, session_id)
) /* clustered */;
CREATE INDEX session_ads_at ON session_ads (workspace_id, at);
CREATE INDEX leads_session ON leads (workspace_id, session_id) WHERE session_id IS NOT NULL;

-- What customers changed of what they wrote: each wording, and that it was deleted.
CREATE TABLE message_changes (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    message_id UUID NOT NULL,
    provider_id TEXT NOT NULL, -- of the change at the provider; empty for what was written first
    kind TEXT NOT NULL, -- written | edited | deleted
    text TEXT, -- the wording; NULL for a deletion, and of what was deleted and is not kept
    at BIGINT NOT NULL, -- the provider's time
    PRIMARY KEY (workspace_id, message_id, provider_id)
) /* clustered */;

-- Customers whose contact is gone for good: what is still to be removed of them, here and at WhatsApp.
CREATE TABLE customer_erasures (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    messaging_user_id UUID NOT NULL,
    asked_at BIGINT NOT NULL,
    emptied_at BIGINT, -- when the conversations were emptied, or need not be
    attempts BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, messaging_user_id)
) /* clustered */;

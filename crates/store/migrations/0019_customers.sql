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

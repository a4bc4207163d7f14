-- Votes by text: one of each number for each word.
CREATE TABLE votes (
    workspace_id UUID NOT NULL,
    keyword_id UUID NOT NULL,
    address TEXT NOT NULL,
    choice TEXT NOT NULL, -- the plain form of the option's word
    voted_at BIGINT NOT NULL,
    changed_at BIGINT, -- when the person last chose another option
    PRIMARY KEY (workspace_id, keyword_id, address),
    FOREIGN KEY (workspace_id, keyword_id) REFERENCES keywords (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- The files on the cards of templates in conversations: they stay as long as their messages show them.
CREATE TABLE card_files (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    media_id UUID NOT NULL,
    session_id UUID NOT NULL,
    message_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, media_id, message_id)
) /* clustered */;
CREATE INDEX card_files_session ON card_files (workspace_id, session_id);

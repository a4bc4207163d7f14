-- Work in the inbox: colleagues who are spoken to in notes, transcripts that are taken out, and cases that several sessions share.

-- Whom a note speaks to, and whether they have read it. The words are in the note alone.
CREATE TABLE mentions (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    user_id UUID NOT NULL, -- the colleague
    session_id UUID NOT NULL,
    message_id UUID NOT NULL,
    author_id UUID, -- NULL for a program
    at BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE UNIQUE INDEX mentions_message ON mentions (workspace_id, message_id, user_id);
CREATE INDEX mentions_user ON mentions (workspace_id, user_id, id);
CREATE INDEX mentions_unread ON mentions (workspace_id, user_id) WHERE read_at IS NULL;
CREATE INDEX mentions_session ON mentions (workspace_id, session_id);

-- Transcripts that somebody took out. Only ever added to.
CREATE TABLE transcript_exports (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    subject TEXT NOT NULL, -- session | customer | contact
    subject_id UUID NOT NULL,
    format TEXT NOT NULL, -- html | csv
    notes BIGINT NOT NULL, -- 1 with what is for colleagues alone
    time_zone TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;

-- Sessions of a case: it is not closed with one of them while another one is open.
CREATE INDEX sessions_case ON sessions (workspace_id, case_id) WHERE case_id IS NOT NULL;

-- Open sessions of an agent, and those of a queue that nobody has.
CREATE INDEX sessions_agent ON sessions (workspace_id, agent_id, queue_id) WHERE state <> 'ended';

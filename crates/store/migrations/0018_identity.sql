-- Who customers are: how they came to their contacts, which of them are one person, whom the business has blocked, and
-- where to find what was written.

-- Contacts and leads are found by an e-mail address that the bot asked for.
CREATE INDEX contacts_email ON contacts (workspace_id, LOWER(email)) WHERE email IS NOT NULL;
CREATE INDEX leads_email ON leads (workspace_id, LOWER(email)) WHERE email IS NOT NULL;

-- Every link of a customer to a contact or lead that was made, taken away or taken back. Only ever added to.
CREATE TABLE customer_links (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    messaging_user_id UUID NOT NULL,
    session_id UUID,
    action TEXT NOT NULL, -- linked | created | unlinked | asked | postponed | undone
    reason TEXT NOT NULL, -- what the rule matched by, or agent
    note TEXT, -- the agent's own words
    before_contact_id UUID,
    before_lead_id UUID,
    before_linked_by TEXT,
    after_contact_id UUID,
    after_lead_id UUID,
    after_linked_by TEXT,
    undoes_id UUID, -- the entry that this one takes back
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX customer_links_user ON customer_links (workspace_id, messaging_user_id, id);
CREATE UNIQUE INDEX customer_links_undone ON customer_links (workspace_id, undoes_id) WHERE undoes_id IS NOT NULL;

-- Customers of whom an agent is asked who they are.
CREATE TABLE link_prompts (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    messaging_user_id UUID NOT NULL,
    session_id UUID NOT NULL,
    candidates TEXT NOT NULL, -- JSON: contacts and leads, each with what it matched by
    asked_at BIGINT NOT NULL,
    postponed_at BIGINT, -- an agent said: not now
    PRIMARY KEY (workspace_id, messaging_user_id),
    FOREIGN KEY (workspace_id, messaging_user_id) REFERENCES messaging_users (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- When an identifier was last used, for a customer who has several of one kind; 0 for one who has not.
ALTER TABLE messaging_identifiers ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;

-- Customers that turned out to be, or were said to be, one person, with all that is needed to part them again.
CREATE TABLE messaging_user_merges (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    kept_id UUID NOT NULL,
    merged_id UUID NOT NULL, -- the one that is no more
    kept_name TEXT,
    merged_name TEXT,
    record TEXT NOT NULL, -- JSON
    actor TEXT NOT NULL,
    merged_at BIGINT NOT NULL,
    unmerged_at BIGINT,
    unmerged_by TEXT,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX messaging_user_merges_kept ON messaging_user_merges (workspace_id, kept_id);

-- Customers that the business wants no messages of.
ALTER TABLE messaging_users ADD COLUMN blocked_at BIGINT;
CREATE TABLE customer_blocks (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    messaging_user_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    state TEXT NOT NULL, -- blocking | blocked | unblocking | failed
    failure TEXT, -- why the provider did not do it
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, messaging_user_id),
    FOREIGN KEY (workspace_id, messaging_user_id) REFERENCES messaging_users (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- What was written, in the order of its time: the number is made of it. Filled from the event log, behind the messages.
CREATE TABLE search_entries (
    number BIGINT PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    session_id UUID NOT NULL,
    message_id UUID NOT NULL
) /* table */;
-- sqlite: CREATE VIRTUAL TABLE search_words USING fts5 (words, content='', contentless_delete=1, detail=none, prefix='3 4', tokenize='ascii');
-- postgres: CREATE TABLE search_words (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
-- postgres: CREATE INDEX search_words_words ON search_words USING GIN (words);

-- How far the event log has been read for the search.
CREATE TABLE search_marks (
    workspace_id UUID PRIMARY KEY REFERENCES workspaces (id),
    event_seq BIGINT NOT NULL
) /* table */;
INSERT INTO search_marks (workspace_id, event_seq) SELECT id, event_seq FROM workspaces;

-- Sessions of which everything is to be added to the search or taken out of it.
CREATE TABLE search_tasks (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    session_id UUID NOT NULL,
    task TEXT NOT NULL, -- add | remove
    after_seq BIGINT NOT NULL, -- to be worked on when the event log has been read to here
    done_to UUID, -- the last message that was worked on
    PRIMARY KEY (workspace_id, session_id)
) /* clustered */;
INSERT INTO search_tasks (workspace_id, session_id, task, after_seq) SELECT workspace_id, id, 'add', 0 FROM sessions;

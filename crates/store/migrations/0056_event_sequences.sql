-- The number of the last event stands in a row of its own. In the row of the workspace each transaction that told something
-- wrote the settings of several kilobytes again. And an event needs no look for its workspace: its number is taken from a
-- row that is only there with it.

CREATE TABLE event_sequences (
    workspace_id UUID PRIMARY KEY REFERENCES workspaces (id),
    seq BIGINT NOT NULL
) /* clustered */;
INSERT INTO event_sequences (workspace_id, seq) SELECT id, event_seq FROM workspaces;
ALTER TABLE workspaces DROP COLUMN event_seq;

CREATE TABLE events_in_sequence (
    workspace_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    audience UUID,
    data TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, seq)
) /* clustered */;
INSERT INTO events_in_sequence (workspace_id, seq, kind, entity, entity_id, audience, data, at)
    SELECT workspace_id, seq, kind, entity, entity_id, audience, data, at FROM events ORDER BY workspace_id, seq;
DROP TABLE events;
ALTER TABLE events_in_sequence RENAME TO events;

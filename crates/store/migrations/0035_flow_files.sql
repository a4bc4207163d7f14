-- Files that bots send: none of them goes while a published version, or one that a conversation still follows, sends it.
CREATE TABLE flow_files (
    workspace_id UUID NOT NULL,
    media_id UUID NOT NULL,
    flow_version_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, media_id, flow_version_id),
    FOREIGN KEY (workspace_id, media_id) REFERENCES media (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, flow_version_id) REFERENCES flow_versions (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX flow_files_version ON flow_files (workspace_id, flow_version_id);
CREATE INDEX flow_runs_active ON flow_runs (workspace_id, flow_version_id) WHERE status IN ('running', 'waiting');

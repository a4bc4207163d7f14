-- What has had its time is found by its time, part by part, and not by reading whole tables.
CREATE INDEX jobs_done ON jobs (workspace_id, run_at) WHERE state = 'done';
CREATE INDEX marketing_sends_by_time ON marketing_sends (workspace_id, sent_at);
CREATE INDEX decisions_by_time ON decisions (workspace_id, decided_at);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (workspace_id, created_at);

-- What came in has one key besides the provider's, in place of two that said the same.

CREATE TABLE inbox_by_id (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    kind TEXT NOT NULL, -- whatsapp | sms | sms_receipt | twilio
    external_id TEXT NOT NULL,
    subject TEXT NOT NULL, -- rows with the same subject are worked on one after the other
    payload TEXT NOT NULL,
    state TEXT NOT NULL, -- pending | done | dead
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (workspace_id, channel_id, external_id)
) /* clustered */;
INSERT INTO inbox_by_id (workspace_id, id, channel_id, kind, external_id, subject, payload, state, attempts, next_at,
        lease_owner, lease_epoch, lease_until, last_error, received_at)
    SELECT workspace_id, id, channel_id, kind, external_id, subject, payload, state, attempts, next_at, lease_owner,
        lease_epoch, lease_until, last_error, received_at
    FROM inbox ORDER BY id;
DROP TABLE inbox;
ALTER TABLE inbox_by_id RENAME TO inbox;
CREATE INDEX inbox_pending ON inbox (id) WHERE state = 'pending';
CREATE INDEX inbox_pending_subject ON inbox (workspace_id, channel_id, subject, id) WHERE state = 'pending';

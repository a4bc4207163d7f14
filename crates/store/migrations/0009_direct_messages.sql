-- Messages that programs send: one by one, in batches, or in Twilio's dialect. What becomes of each is in its outbox row,
-- which has the same id; a message of a batch has none until its turn has come.

CREATE TABLE message_batches (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    key TEXT NOT NULL, -- names the request: made again it gives the same batch
    actor TEXT NOT NULL,
    sender_id UUID NOT NULL,
    class TEXT NOT NULL,
    body TEXT NOT NULL,
    list_id UUID, -- without one the recipients came with the request
    expires_at BIGINT,
    state TEXT NOT NULL, -- working | done
    done_position BIGINT NOT NULL DEFAULT 0,
    done_contact_id UUID, -- of a list
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, key)
) /* table */;

CREATE TABLE direct_messages (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    batch_id UUID,
    position BIGINT, -- within the batch, from 1
    key TEXT NOT NULL, -- names the wish: a second message with it is not made
    actor TEXT NOT NULL,
    client_reference TEXT,
    address TEXT NOT NULL, -- E.164, or as given when it is no number
    fields TEXT NOT NULL, -- JSON: merge fields that came with the request
    problem_code TEXT, -- why there is no outbox row and never will be
    problem TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, key)
) /* table */;
CREATE INDEX direct_messages_batch ON direct_messages (workspace_id, batch_id, position) WHERE batch_id IS NOT NULL;
CREATE INDEX direct_messages_actor ON direct_messages (workspace_id, actor, id);

-- Who wants to be told what becomes of a message. A row goes when the last has been told or nobody listens.
CREATE TABLE status_callbacks (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    message_id UUID NOT NULL,
    api_key_id UUID NOT NULL, -- whose token signs
    url TEXT NOT NULL,
    told TEXT NOT NULL, -- the outbox state that was told last
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, message_id)
) /* table */;
CREATE INDEX status_callbacks_due ON status_callbacks (next_at);

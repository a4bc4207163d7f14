-- What decided about a message that was held or refused, in more than a word: the rule of a rule book with its version,
-- the time zone, the cap. Kept beside the outbox, because most messages need none.
CREATE TABLE decisions (
    workspace_id UUID NOT NULL,
    message_id UUID NOT NULL,
    rule TEXT NOT NULL,
    explanation TEXT NOT NULL, -- JSON
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, message_id)
) /* clustered */;

-- From when on which version of a rule book has decided in this installation: with it, every message that was sent can
-- be shown the rules it was sent under.
CREATE TABLE rule_books (
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (name, version)
) /* table */;

-- Promotional messages that count against a frequency cap; written only where one applies.
CREATE TABLE marketing_sends (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    message_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, address, sent_at, message_id)
) /* clustered */;

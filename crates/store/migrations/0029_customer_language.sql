-- The language of a customer: said by a person, or detected in what the customer wrote.
CREATE TABLE customer_languages (
    workspace_id UUID NOT NULL,
    messaging_user_id UUID NOT NULL,
    language TEXT NOT NULL, -- de, pt-br
    told_by TEXT NOT NULL, -- person | detected
    certainty BIGINT, -- in per cent, of a detected one
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, messaging_user_id),
    FOREIGN KEY (workspace_id, messaging_user_id) REFERENCES messaging_users (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

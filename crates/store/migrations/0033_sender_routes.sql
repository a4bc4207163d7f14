-- The same number or name on several accounts: what decides which of them a text leaves by.
ALTER TABLE senders ADD COLUMN route_by TEXT; -- order | price | delivery; none: the sender has no routes

CREATE TABLE sender_routes (
    workspace_id UUID NOT NULL,
    sender_id UUID NOT NULL,
    place BIGINT NOT NULL,
    route_id UUID NOT NULL, -- a sender with the same address; the sender itself is one of them
    PRIMARY KEY (workspace_id, sender_id, place),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id),
    FOREIGN KEY (workspace_id, route_id) REFERENCES senders (workspace_id, id)
) /* clustered */;

-- What segments cost on an account. A version is never changed; the newest whose time has come counts.
CREATE TABLE channel_prices (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    valid_from BIGINT NOT NULL,
    id UUID NOT NULL,
    currency TEXT NOT NULL,
    prices TEXT NOT NULL, -- JSON: country and price of a thousand segments
    other_price BIGINT, -- of every other country; none: not known
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, valid_from, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) /* clustered */;

-- What was delivered of the messages of the last 24 hours, by account and country; counted anew every few minutes.
CREATE TABLE route_shares (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    country TEXT NOT NULL, -- ISO 3166-1; empty: all
    delivered BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, country),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) /* clustered */;

-- What waits to be sent again though an attempt may have arrived: the receipt of that attempt finds it by its recipient.
CREATE INDEX outbox_in_doubt ON outbox (workspace_id, channel_id, address) WHERE maybe_left = 1;

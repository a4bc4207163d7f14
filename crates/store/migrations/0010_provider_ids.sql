-- The provider's id of a whole message stands on its row, with an index, and nowhere else: a row of `provider_messages` for
-- each message said the same again, and cost a statement more when it was accepted and a look-up more at its receipt.
-- What stays there are the ids of parts, and a further id of a message that went out again.
CREATE INDEX outbox_provider ON outbox (workspace_id, channel_id, provider_id, id) WHERE provider_id IS NOT NULL;
DELETE FROM provider_messages WHERE part IS NULL AND EXISTS (SELECT 1 FROM outbox o
    WHERE o.workspace_id = provider_messages.workspace_id AND o.id = provider_messages.message_id
        AND o.channel_id = provider_messages.channel_id AND o.provider_id = provider_messages.provider_id);

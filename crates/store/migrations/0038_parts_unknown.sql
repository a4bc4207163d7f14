-- A long message of which only some parts are known to be with the provider is not delivered when those are.
ALTER TABLE outbox ADD COLUMN parts BIGINT; -- how many parts it has, when the provider's ids of some were unknown at first

-- Of the request whose idempotency key is the message's or batch's: another request with that key is told so.
ALTER TABLE direct_messages ADD COLUMN request_hash TEXT;
ALTER TABLE message_batches ADD COLUMN request_hash TEXT;

-- Whose a text was, of contacts that were deleted: who has the number next is not shown it, however long ago that was. Of
-- deletions that are on record at this moment the record says it.
ALTER TABLE inbound_texts ADD COLUMN gone_contact_id UUID;

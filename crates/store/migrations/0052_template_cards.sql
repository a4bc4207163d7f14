-- The files on the cards of a template, in their order: a JSON list of ids and nulls.
ALTER TABLE templates ADD COLUMN card_media TEXT NOT NULL DEFAULT '[]';

-- WhatsApp templates that are written here: drafts, what is being done at WhatsApp, and what fills the variables.

ALTER TABLE templates ADD COLUMN provider_id TEXT; -- WhatsApp's id of it
ALTER TABLE templates ADD COLUMN parameter_format TEXT NOT NULL DEFAULT 'POSITIONAL'; -- WhatsApp's word, upper case
ALTER TABLE templates ADD COLUMN quality TEXT; -- WhatsApp's word, upper case
ALTER TABLE templates ADD COLUMN reason TEXT; -- why it was rejected or stopped, as WhatsApp said
ALTER TABLE templates ADD COLUMN asked_category TEXT; -- what it was submitted as; category is what it was taken as
ALTER TABLE templates ADD COLUMN draft TEXT; -- JSON; what was written and is not submitted
ALTER TABLE templates ADD COLUMN media_id UUID; -- the file of its header
ALTER TABLE templates ADD COLUMN operation TEXT; -- create | edit | delete: begun at WhatsApp, its end not noted
ALTER TABLE templates ADD COLUMN operation_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE templates ADD COLUMN failure TEXT; -- why the last operation failed, in words
ALTER TABLE templates ADD COLUMN decided_at BIGINT NOT NULL DEFAULT 0; -- when WhatsApp last told a decision
ALTER TABLE templates ADD COLUMN defaults TEXT NOT NULL DEFAULT '[]'; -- JSON; what fills the variables

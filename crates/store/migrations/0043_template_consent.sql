-- Consent to one category of WhatsApp templates, or to one template.

ALTER TABLE scoped_consents ADD COLUMN scope TEXT; -- category:… or template:…; NULL for senders and programmes
ALTER TABLE scoped_consents ADD COLUMN expires_at BIGINT; -- of a grant that was given for a time only
CREATE INDEX scoped_consents_expiry ON scoped_consents (workspace_id, expires_at) WHERE expires_at IS NOT NULL;

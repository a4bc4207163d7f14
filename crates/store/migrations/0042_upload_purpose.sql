-- What a file was uploaded for: 'campaign', else null for conversations and templates.
ALTER TABLE media_uploads ADD COLUMN purpose TEXT;

-- Keys and further addresses of contacts, found duplicates, and merges that can be taken back.

ALTER TABLE contacts ADD COLUMN external_key TEXT; -- the person's key in another system
CREATE UNIQUE INDEX contacts_external_key ON contacts (workspace_id, external_key) WHERE external_key IS NOT NULL;

-- Phone numbers and e-mail addresses beside the contact's own, and keys of contacts that were merged into it. An address
-- belongs to one contact.
CREATE TABLE contact_addresses (
    workspace_id UUID NOT NULL,
    kind TEXT NOT NULL, -- phone | email | key
    address TEXT NOT NULL,
    contact_id UUID NOT NULL,
    priority BIGINT NOT NULL, -- the lowest is tried first
    added_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, kind, address),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX contact_addresses_contact ON contact_addresses (workspace_id, contact_id, priority);

-- Contacts with what decides whether they may be texted. It is looked up per row: a join that the planner of a freshly filled PostgreSQL, which
-- has no statistics yet, takes for small costs the square of the number of contacts.
CREATE VIEW contacts_with_consent AS
SELECT c.workspace_id, c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
    c.attributes, c.search, c.created_at, c.updated_at,
    COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
        AND s.address = c.phone AND s.purpose = 'marketing'), 'none') AS sms_consent,
    COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'whatsapp'
        AND s.address = c.phone AND s.purpose = 'marketing'), 'none') AS whatsapp_consent,
    (SELECT COUNT(*) FROM suppressions x WHERE x.workspace_id = c.workspace_id AND x.address = c.phone) AS suppressions,
    -- The further number that is tried first of those that have opted in and are not suppressed.
    (SELECT a.address FROM contact_addresses a
        JOIN consents s ON s.workspace_id = a.workspace_id AND s.medium = 'sms' AND s.address = a.address
            AND s.purpose = 'marketing'
        WHERE a.workspace_id = c.workspace_id AND a.contact_id = c.id AND a.kind = 'phone' AND s.state = 'granted'
            AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.workspace_id = a.workspace_id AND x.address = a.address)
        ORDER BY a.priority, a.address LIMIT 1) AS further_phone
FROM contacts c;

-- Two contacts that may be one person. The older one is the first.
CREATE TABLE duplicates (
    workspace_id UUID NOT NULL,
    first_id UUID NOT NULL,
    second_id UUID NOT NULL,
    reason TEXT NOT NULL, -- same_line | same_email | same_name
    found_at BIGINT NOT NULL,
    dismissed_at BIGINT, -- somebody said that they are two persons
    PRIMARY KEY (workspace_id, first_id, second_id),
    FOREIGN KEY (workspace_id, first_id) REFERENCES contacts (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, second_id) REFERENCES contacts (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX duplicates_second ON duplicates (workspace_id, second_id);

-- The last search for duplicates of each workspace.
CREATE TABLE duplicate_searches (
    workspace_id UUID PRIMARY KEY REFERENCES workspaces (id),
    number BIGINT NOT NULL,
    state TEXT NOT NULL, -- running | done
    scanned BIGINT NOT NULL,
    found BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT
) /* table */;

-- Everything that a merge changed, so that it can be taken back exactly.
CREATE TABLE contact_merges (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    kept_id UUID NOT NULL,
    merged_id UUID NOT NULL, -- the contact that was dissolved
    kept_name TEXT,
    merged_name TEXT,
    record TEXT NOT NULL, -- JSON
    actor TEXT NOT NULL,
    merged_at BIGINT NOT NULL,
    unmerged_at BIGINT,
    unmerged_by TEXT,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX contact_merges_kept ON contact_merges (workspace_id, kept_id);

-- What the attributes of contacts are. Attributes without a row are free text.
CREATE TABLE attribute_definitions (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    kind TEXT NOT NULL, -- text | number | date | boolean | choice
    choices TEXT NOT NULL, -- JSON array; empty but for kind 'choice'
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
) /* table */;

-- Saved looks at the contacts: search, filters, sort and columns.
CREATE TABLE contact_views (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    shared BIGINT NOT NULL,
    query TEXT NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;

-- Contacts that were deleted together, so that it can be taken back.
CREATE TABLE contact_deletions (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    records TEXT NOT NULL, -- JSON
    actor TEXT NOT NULL,
    deleted_at BIGINT NOT NULL,
    restored_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

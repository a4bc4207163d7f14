-- The first schema. See src/migrate.rs for how one text serves both engines.
-- Every table that belongs to a workspace has its id first in its keys. Times are UTC epoch milliseconds.

CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value BYTEA NOT NULL
) /* table */;

CREATE TABLE workspaces (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    time_zone TEXT NOT NULL,
    country TEXT NOT NULL,
    quiet_start_minute BIGINT NOT NULL,
    quiet_end_minute BIGINT NOT NULL,
    settings TEXT NOT NULL,
    event_seq BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
) /* table */;

CREATE TABLE events (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    audience UUID,
    data TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, seq)
) /* clustered */;

-- Access ---------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    email TEXT NOT NULL UNIQUE, -- lower case; people sign in without naming their workspace
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

CREATE TABLE login_sessions (
    token_hash BYTEA PRIMARY KEY,
    workspace_id UUID NOT NULL,
    user_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id)
) /* table */;
CREATE INDEX login_sessions_user ON login_sessions (workspace_id, user_id);

CREATE TABLE api_keys (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    key_hash BYTEA NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

CREATE TABLE setup_tokens (
    token_hash BYTEA PRIMARY KEY,
    created_at BIGINT NOT NULL,
    used_at BIGINT
) /* table */;

CREATE TABLE idempotency_keys (
    workspace_id UUID NOT NULL,
    actor TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status BIGINT, -- NULL while the first request is being worked on
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, actor, key)
) /* table */;

-- Channels -------------------------------------------------------------------------------------------------------

CREATE TABLE channels (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL, -- whatsapp | smpp
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    flow_slug TEXT, -- the bot that greets new sessions
    queue_slug TEXT, -- where sessions go without a bot
    state TEXT NOT NULL, -- connecting | connected | disconnected | error
    state_detail TEXT,
    last_inbound_at BIGINT,
    lease_owner TEXT, -- the node that holds the provider connection
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, slug)
) /* table */;

CREATE TABLE senders (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL, -- long_code | short_code | toll_free | alphanumeric
    registration TEXT NOT NULL, -- active | pending | rejected
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, address),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id)
) /* table */;

CREATE TABLE templates (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    category TEXT NOT NULL,
    status TEXT NOT NULL, -- Meta's word, upper case
    components TEXT NOT NULL,
    synced_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, name, language)
) /* table */;

CREATE TABLE media (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    mime TEXT NOT NULL,
    file_name TEXT,
    size BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    data BYTEA, -- NULL while it is still to be fetched from the provider
    channel_id UUID, -- where it is to be fetched
    provider_id TEXT,
    failure TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;

-- Contacts and consent ---------------------------------------------------------------------------------------------

CREATE TABLE contacts (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    phone TEXT,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    locale TEXT,
    time_zone TEXT,
    attributes TEXT NOT NULL,
    search TEXT NOT NULL, -- lower-case names, phone and e-mail
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, phone)
) /* clustered */;

CREATE TABLE lists (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
) /* table */;

CREATE TABLE list_members (
    workspace_id UUID NOT NULL,
    list_id UUID NOT NULL,
    contact_id UUID NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, list_id, contact_id),
    FOREIGN KEY (workspace_id, list_id) REFERENCES lists (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id) ON DELETE CASCADE
) /* clustered */;
CREATE INDEX list_members_contact ON list_members (workspace_id, contact_id);

-- Append-only. The address is kept even when the contact is deleted, so that a STOP outlives the contact.
CREATE TABLE consent_events (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    medium TEXT NOT NULL, -- sms | whatsapp
    address TEXT NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    method TEXT NOT NULL,
    wording TEXT,
    proof TEXT,
    actor TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX consent_events_address ON consent_events (workspace_id, address, id);

-- What the ledger amounts to; can be rebuilt from it at any time.
CREATE TABLE consents (
    workspace_id UUID NOT NULL,
    medium TEXT NOT NULL,
    address TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, medium, address, purpose)
) /* clustered */;

CREATE TABLE suppressions (
    workspace_id UUID NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, address)
) /* clustered */;

CREATE TABLE imports (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    file_name TEXT NOT NULL,
    list_id UUID,
    state TEXT NOT NULL, -- running | done | failed
    detail TEXT,
    rows_read BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL DEFAULT 0,
    updated BIGINT NOT NULL DEFAULT 0,
    rejected BIGINT NOT NULL DEFAULT 0,
    opted_in BIGINT NOT NULL DEFAULT 0,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    progress_at BIGINT NOT NULL, -- a running import that stands still for long was interrupted
    ended_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

CREATE TABLE import_errors (
    workspace_id UUID NOT NULL,
    import_id UUID NOT NULL,
    row_number BIGINT NOT NULL,
    message TEXT NOT NULL,
    fields TEXT NOT NULL, -- JSON array of the row's cells
    PRIMARY KEY (workspace_id, import_id, row_number)
) /* clustered */;

-- Campaigns --------------------------------------------------------------------------------------------------------

CREATE TABLE campaigns (
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    id UUID NOT NULL,
    number BIGINT NOT NULL UNIQUE, -- within the installation; part of every link code
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    sender_id UUID NOT NULL,
    audience TEXT NOT NULL, -- JSON: list and filter
    body TEXT NOT NULL,
    footer TEXT NOT NULL,
    whatsapp_channel_id UUID,
    prefilled_text TEXT NOT NULL,
    planned BIGINT NOT NULL DEFAULT 0, -- recipients written so far
    plan_after UUID, -- contact up to which recipients are written
    planned_all BIGINT NOT NULL DEFAULT 0, -- 1 when all are
    created_by UUID,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, sender_id) REFERENCES senders (workspace_id, id)
) /* table */;

-- One row per campaign and contact: what was decided at planning. What then happened to the message is in its outbox row.
CREATE TABLE recipients (
    workspace_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    position BIGINT NOT NULL,
    contact_id UUID NOT NULL,
    phone TEXT,
    rule TEXT NOT NULL, -- 'allowed', 'quiet_hours', or why there is no message
    message_id UUID, -- outbox row, when there is a message
    first_tap_at BIGINT, -- first click that passed the filter
    session_id UUID,
    chat_at BIGINT,
    bot_finished_at BIGINT,
    agent_at BIGINT,
    case_at BIGINT,
    lead_at BIGINT,
    won_at BIGINT,
    PRIMARY KEY (workspace_id, campaign_id, position),
    UNIQUE (workspace_id, campaign_id, contact_id)
) /* clustered */;
CREATE INDEX recipients_phone ON recipients (workspace_id, phone) WHERE first_tap_at IS NOT NULL;

CREATE TABLE clicks (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    position BIGINT NOT NULL,
    verdict TEXT NOT NULL, -- person | robot | preview | head
    user_agent TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX clicks_campaign ON clicks (workspace_id, campaign_id, position);

-- Every message on its way out, whoever wrote it, and what became of it.
CREATE TABLE outbox (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL UNIQUE, -- the message's id
    channel_id UUID NOT NULL,
    class TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    address TEXT NOT NULL, -- E.164 or BSUID
    address_kind TEXT NOT NULL, -- phone | bsuid
    payload TEXT NOT NULL,
    campaign_id UUID,
    position BIGINT,
    session_id UUID,
    state TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    expires_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    provider_id TEXT,
    rule TEXT, -- the policy rule that held or refused it
    error_class TEXT,
    error_code TEXT,
    error_reason TEXT,
    segments BIGINT,
    created_at BIGINT NOT NULL,
    submitted_at BIGINT,
    accepted_at BIGINT,
    delivered_at BIGINT,
    read_at BIGINT,
    failed_at BIGINT,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, dedupe_key)
) /* table */;
CREATE INDEX outbox_due ON outbox (channel_id, not_before, id) WHERE state = 'queued' AND campaign_id IS NULL;
CREATE INDEX outbox_campaign_due ON outbox (workspace_id, campaign_id, channel_id, not_before, id)
    WHERE state = 'queued' AND campaign_id IS NOT NULL;
CREATE INDEX outbox_leased ON outbox (channel_id, lease_until) WHERE state IN ('claimed', 'submitting');
CREATE INDEX outbox_campaign ON outbox (workspace_id, campaign_id, state) WHERE campaign_id IS NOT NULL;
CREATE INDEX outbox_session_open ON outbox (workspace_id, session_id, id)
    WHERE session_id IS NOT NULL AND state IN ('queued', 'claimed', 'submitting');
CREATE INDEX outbox_waiting_address ON outbox (workspace_id, address) WHERE state IN ('queued', 'claimed');
CREATE INDEX outbox_unclear_address ON outbox (workspace_id, channel_id, address)
    WHERE state IN ('submitting', 'unknown');

-- Provider's ids of outbound messages and of their parts; a receipt finds its message here.
CREATE TABLE provider_messages (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    provider_id TEXT NOT NULL,
    message_id UUID NOT NULL,
    delivered_at BIGINT, -- of this part; the message is delivered when all its parts are
    PRIMARY KEY (workspace_id, channel_id, provider_id)
) /* clustered */;
CREATE INDEX provider_messages_message ON provider_messages (workspace_id, message_id);

-- Reports that came before their message's provider id was stored; a row for each way of writing that id.
CREATE TABLE parked_reports (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    provider_id TEXT NOT NULL,
    id UUID NOT NULL, -- of the report
    recipient TEXT NOT NULL,
    report TEXT NOT NULL, -- JSON
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, provider_id, id)
) /* clustered */;
CREATE INDEX parked_reports_id ON parked_reports (workspace_id, id);
CREATE INDEX parked_reports_recipient ON parked_reports (workspace_id, channel_id, recipient);

-- Everything that came in, before it is worked on. The unique key makes a repeat harmless.
CREATE TABLE inbox (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL UNIQUE,
    channel_id UUID NOT NULL,
    kind TEXT NOT NULL, -- whatsapp | sms | sms_receipt
    external_id TEXT NOT NULL,
    subject TEXT NOT NULL, -- rows with the same subject are worked on one after the other
    payload TEXT NOT NULL,
    state TEXT NOT NULL, -- pending | done | dead
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, channel_id, external_id)
) /* table */;
CREATE INDEX inbox_pending ON inbox (id) WHERE state = 'pending';
CREATE INDEX inbox_pending_subject ON inbox (workspace_id, channel_id, subject, id) WHERE state = 'pending';

CREATE TABLE jobs (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL, -- waiting | running | done | dead
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, kind, dedupe_key)
) /* table */;
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE state IN ('waiting', 'running');

CREATE TABLE dead_letters (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    source TEXT NOT NULL, -- inbox | outbox | job
    source_id UUID NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    resolution TEXT, -- replayed | discarded
    resolution_reason TEXT,
    resolved_by TEXT,
    resolved_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;

-- Conversations ----------------------------------------------------------------------------------------------------

CREATE TABLE messaging_users (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    profile_name TEXT,
    username TEXT,
    contact_id UUID,
    lead_id UUID,
    linked_by TEXT, -- code | phone | created | agent
    last_inbound_at BIGINT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX messaging_users_contact ON messaging_users (workspace_id, contact_id) WHERE contact_id IS NOT NULL;

CREATE TABLE messaging_identifiers (
    workspace_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    kind TEXT NOT NULL, -- bsuid | parent_bsuid | wa_id | phone
    value TEXT NOT NULL,
    messaging_user_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, channel_id, kind, value),
    FOREIGN KEY (workspace_id, messaging_user_id) REFERENCES messaging_users (workspace_id, id)
) /* clustered */;
CREATE INDEX messaging_identifiers_user ON messaging_identifiers (workspace_id, messaging_user_id);

CREATE TABLE sessions (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    messaging_user_id UUID NOT NULL,
    state TEXT NOT NULL,
    campaign_id UUID,
    position BIGINT,
    attribution TEXT NOT NULL,
    opt_in TEXT NOT NULL,
    opt_in_at BIGINT,
    window_expires_at BIGINT,
    queue_id UUID,
    agent_id UUID,
    case_id UUID,
    gathered TEXT NOT NULL, -- JSON: what the bot gathered
    unread BIGINT NOT NULL DEFAULT 0,
    last_text TEXT,
    last_direction TEXT,
    last_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT,
    outcome TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, messaging_user_id) REFERENCES messaging_users (workspace_id, id)
) /* table */;
CREATE UNIQUE INDEX sessions_one_open ON sessions (workspace_id, channel_id, messaging_user_id) WHERE state <> 'ended';
CREATE INDEX sessions_quiet ON sessions (workspace_id, window_expires_at) WHERE state = 'active';
CREATE INDEX sessions_open ON sessions (workspace_id, last_at) WHERE state <> 'ended';
CREATE INDEX sessions_user ON sessions (workspace_id, messaging_user_id, started_at);
CREATE INDEX sessions_started ON sessions (workspace_id, started_at);

CREATE TABLE messages (
    workspace_id UUID NOT NULL,
    session_id UUID NOT NULL,
    id UUID NOT NULL,
    channel_id UUID NOT NULL,
    direction TEXT NOT NULL, -- inbound | outbound | system
    author TEXT NOT NULL, -- customer | bot | agent | system
    author_id UUID,
    kind TEXT NOT NULL,
    content TEXT NOT NULL, -- JSON
    text TEXT NOT NULL, -- what can be read and searched
    provider_id TEXT,
    client_id TEXT, -- the console's own id of a message it sent
    at BIGINT NOT NULL, -- the provider's time for inbound, ours for outbound
    PRIMARY KEY (workspace_id, session_id, id)
) /* clustered */;
CREATE INDEX messages_at ON messages (workspace_id, session_id, at, id);
CREATE UNIQUE INDEX messages_provider ON messages (workspace_id, channel_id, provider_id)
    WHERE provider_id IS NOT NULL;
CREATE UNIQUE INDEX messages_client ON messages (workspace_id, session_id, client_id) WHERE client_id IS NOT NULL;

CREATE TABLE leads (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    phone TEXT,
    email TEXT,
    note TEXT,
    status TEXT NOT NULL,
    contact_id UUID,
    session_id UUID,
    campaign_id UUID,
    created_by UUID,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE INDEX leads_phone ON leads (workspace_id, phone) WHERE phone IS NOT NULL;

CREATE TABLE cases (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    number BIGINT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    contact_id UUID,
    session_id UUID,
    created_by UUID,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, number)
) /* table */;

-- Flows ------------------------------------------------------------------------------------------------------------

CREATE TABLE flows (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    published_version_id UUID,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, slug)
) /* table */;

CREATE TABLE flow_versions (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    flow_id UUID NOT NULL,
    version BIGINT NOT NULL,
    source TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, flow_id, version)
) /* table */;

CREATE TABLE flow_runs (
    workspace_id UUID NOT NULL,
    session_id UUID NOT NULL,
    flow_version_id UUID NOT NULL,
    state TEXT NOT NULL, -- JSON of the interpreter
    status TEXT NOT NULL, -- running | waiting | handed_over | ended | failed
    turn BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, session_id)
) /* table */;

-- Routing ----------------------------------------------------------------------------------------------------------

CREATE TABLE queues (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    offer_seconds BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, slug)
) /* table */;

CREATE TABLE queue_members (
    workspace_id UUID NOT NULL,
    queue_id UUID NOT NULL,
    user_id UUID NOT NULL,
    PRIMARY KEY (workspace_id, queue_id, user_id),
    FOREIGN KEY (workspace_id, queue_id) REFERENCES queues (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
) /* clustered */;

-- Capacity and load are in thousandths of a conversation, so that weights stay integers.
CREATE TABLE presences (
    workspace_id UUID NOT NULL,
    user_id UUID NOT NULL,
    status TEXT NOT NULL,
    capacity BIGINT NOT NULL,
    load BIGINT NOT NULL DEFAULT 0,
    last_offer_at BIGINT NOT NULL DEFAULT 0,
    seen_until BIGINT NOT NULL DEFAULT 0, -- counts as connected until then
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    CONSTRAINT presences_capacity CHECK (load >= 0 AND load <= capacity),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id)
) /* table */;

CREATE TABLE work_items (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    session_id UUID NOT NULL,
    queue_id UUID NOT NULL,
    state TEXT NOT NULL,
    weight BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    agent_id UUID, -- whose capacity it uses: offered to or accepted by
    declined TEXT NOT NULL, -- JSON: users who declined in this pass
    ask_again_at BIGINT NOT NULL DEFAULT 0, -- those who declined are not asked again before
    enqueued_at BIGINT NOT NULL,
    closed_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE UNIQUE INDEX work_items_one_open ON work_items (workspace_id, session_id) WHERE state <> 'closed';
CREATE INDEX work_items_waiting ON work_items (workspace_id, queue_id, priority, enqueued_at) WHERE state = 'waiting';

CREATE TABLE offers (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    work_item_id UUID NOT NULL,
    session_id UUID NOT NULL,
    queue_id UUID NOT NULL,
    user_id UUID NOT NULL,
    state TEXT NOT NULL,
    offered_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (workspace_id, id)
) /* table */;
CREATE UNIQUE INDEX offers_one_pending ON offers (workspace_id, work_item_id) WHERE state = 'pending';
CREATE INDEX offers_pending ON offers (expires_at) WHERE state = 'pending';
CREATE INDEX offers_user ON offers (workspace_id, user_id) WHERE state = 'pending';

-- What screens show ------------------------------------------------------------------------------------------------

-- A session with the names of everything it points to. Read with `SELECT v.*`: the columns' order is part of the code.
CREATE VIEW session_details AS
SELECT s.workspace_id, s.id, s.channel_id, s.state, s.messaging_user_id,
    u.profile_name, u.username, u.contact_id, u.lead_id, c.first_name, c.last_name, l.name AS lead_name,
    (SELECT MIN(i.value) FROM messaging_identifiers i
        WHERE i.workspace_id = s.workspace_id AND i.messaging_user_id = u.id AND i.kind = 'phone') AS phone,
    s.campaign_id, k.name AS campaign_name, s.attribution, s.queue_id, s.agent_id, a.name AS agent_name,
    r.status AS bot_status, s.opt_in, s.opt_in_at, s.window_expires_at, s.unread, s.last_text, s.last_direction,
    s.last_at, s.started_at, s.ended_at, s.ended_by, s.case_id, s.gathered, s.version,
    LOWER(COALESCE(u.profile_name, '') || ' ' || COALESCE(u.username, '') || ' ' || COALESCE(l.name, ''))
        || ' ' || COALESCE(c.search, '') AS search
FROM sessions s
JOIN messaging_users u ON u.workspace_id = s.workspace_id AND u.id = s.messaging_user_id
LEFT JOIN contacts c ON c.workspace_id = s.workspace_id AND c.id = u.contact_id
LEFT JOIN leads l ON l.workspace_id = s.workspace_id AND l.id = u.lead_id
LEFT JOIN campaigns k ON k.workspace_id = s.workspace_id AND k.id = s.campaign_id
LEFT JOIN users a ON a.workspace_id = s.workspace_id AND a.id = s.agent_id
LEFT JOIN flow_runs r ON r.workspace_id = s.workspace_id AND r.session_id = s.id;

-- A transcript entry with its author's name and what became of it on its way out. Read with `SELECT v.*`.
CREATE VIEW message_details AS
SELECT m.workspace_id, m.session_id, m.id, m.direction, m.author, a.name AS author_name, m.kind, m.text, m.content,
    o.state, o.rule, o.error_class, o.error_code, o.error_reason, m.at, m.client_id
FROM messages m
LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id;

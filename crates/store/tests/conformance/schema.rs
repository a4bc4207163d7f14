//! One text, two engines: the same tables, and every statement good on both.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{Client, NoTls};
use rusqlite::Connection;
use segue_store::{Engine, registry};
use segue_testkit::{TestStore, postgres_store, sqlite_store};

fn open_sqlite(test: &TestStore) -> Connection {
    let Engine::Sqlite(path) = test.store.engine() else { panic!("not SQLite") };
    Connection::open(path).unwrap()
}

/// Runs on a thread of its own: the blocking client must not run on the async runtime.
async fn on_postgres<T: Send + 'static>(test: &TestStore, work: impl FnOnce(&mut Client) -> T + Send + 'static) -> T {
    let Engine::Postgres(url) = test.store.engine().clone() else { panic!("not PostgreSQL") };
    tokio::task::spawn_blocking(move || work(&mut Client::connect(&url, NoTls).unwrap())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_good_on_both_engines_with_the_same_parameters_and_columns() {
    let sqlite = sqlite_store().await;
    let connection = open_sqlite(&sqlite);
    let mut shapes = BTreeMap::new();
    let mut problems = Vec::new();
    for (module, statements) in registry() {
        for sql in statements {
            let name = format!("{module}::{}", sql.name);
            match connection.prepare(sql.sqlite()) {
                Ok(statement) => {
                    shapes.insert(name, (statement.parameter_count(), statement.column_count()));
                }
                Err(error) => problems.push(format!("SQLite refuses {name}: {error}")),
            }
        }
    }
    if let Some(postgres) = postgres_store().await {
        let found = on_postgres(&postgres, move |client| {
            let mut problems = Vec::new();
            for (module, statements) in registry() {
                for sql in statements {
                    let name = format!("{module}::{}", sql.name);
                    match client.prepare(sql.postgres()) {
                        Ok(statement) => {
                            let shape = (statement.params().len(), statement.columns().len());
                            if shapes.get(&name).is_some_and(|other| *other != shape) {
                                problems.push(format!("{name}: SQLite {:?}, PostgreSQL {shape:?}", shapes[&name]));
                            }
                        }
                        Err(error) => {
                            let why = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
                            problems.push(format!("PostgreSQL refuses {name}: {why}"));
                        }
                    }
                }
            }
            problems
        });
        problems.extend(found.await);
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_module_with_statements_is_registered() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let registered: BTreeSet<&str> = registry().into_iter().map(|(module, _)| module).collect();
    let mut with_statements = BTreeSet::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.contains("\ncrate::sql! {") {
            with_statements.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert!(with_statements.len() > 10, "the check looks in the right place");
    let missing: Vec<_> = with_statements.iter().filter(|module| !registered.contains(module.as_str())).collect();
    assert!(missing.is_empty(), "not in registry(): {missing:?}");
}

// The index of words is another thing on each engine: `search_words` is left out of the comparisons.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

fn sqlite_columns(connection: &Connection) -> Columns {
    let text = "SELECT t.name, c.name, upper(c.type), c.\"notnull\" OR c.pk > 0 FROM sqlite_schema t
        JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
            AND t.name NOT LIKE 'search_words%'";
    let mut statement = connection.prepare(text).unwrap();
    let rows = statement.query_map([], |row| {
        let (table, column, kind): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let kind = match kind.as_str() {
            "BLOB" => "bytes",
            "INTEGER" | "BIGINT" => "integer",
            _ => "text",
        };
        Ok(((table, column), (kind, row.get(3)?)))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn postgres_columns(client: &mut Client) -> Columns {
    let text = "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable = 'NO'
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
            AND c.table_name <> 'search_words'";
    let rows = client.query(text, &[]).unwrap();
    rows.iter()
        .map(|row| {
            let kind = match row.get::<_, &str>(2) {
                "uuid" | "bytea" => "bytes",
                "bigint" => "integer",
                _ => "text",
            };
            ((row.get::<_, String>(0), row.get::<_, String>(1)), (kind, row.get(3)))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    let sqlite = sqlite_store().await;
    let Some(postgres) = postgres_store().await else { return };
    let connection = open_sqlite(&sqlite);
    let (ours, theirs) = (sqlite_columns(&connection), on_postgres(&postgres, postgres_columns).await);
    assert!(ours.len() > 200, "{}", ours.len());
    let differing: Vec<_> = ours
        .iter()
        .filter(|(column, shape)| theirs.get(column) != Some(shape))
        .chain(theirs.iter().filter(|(column, _)| !ours.contains_key(column)))
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");

    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap();
    let ours: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let theirs = on_postgres(&postgres, |client| {
        let text = "SELECT i.indexname FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename <> 'search_words' AND NOT EXISTS (
            SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname) ORDER BY i.indexname COLLATE \"C\"";
        client.query(text, &[]).unwrap().iter().map(|row| row.get(0)).collect::<Vec<String>>()
    });
    assert_eq!(ours, theirs.await);
}

/// Statements that look across workspaces, each with its reason. Everything else names the workspace.
const ACROSS_WORKSPACES: &[(&str, &str)] = &[
    ("access::COUNT_USERS", "whether the installation is set up"),
    ("access::DELETE_LOGIN", "by the hash of a secret token"),
    ("access::DELETE_EXPIRED_LOGINS", "housekeeping"),
    ("access::INSERT_SETUP_TOKEN", "of the installation"),
    ("access::DELETE_UNUSED_SETUP_TOKENS", "of the installation"),
    ("access::IS_SETUP_TOKEN", "of the installation"),
    ("access::USE_SETUP_TOKEN", "of the installation"),
    ("campaign::NEXT_CAMPAIGN_NUMBER", "numbers are unique in the installation"),
    ("decision::NOTE_RULE_BOOK", "of the installation"),
    ("decision::RULE_BOOKS", "of the installation"),
    ("direct_message::HAS_DUE_CALLBACKS", "for the worker that looks after all"),
    ("direct_message::POSTPONE_CALLBACKS", "for the worker that looks after all"),
    ("event::TAKE_SEQUENCE", "the workspace is the row"),
    ("inbox::COUNT_PENDING_INBOX", "a metric of the installation"),
    ("inbox::RELEASE_INBOX", "what a node left behind when it ended"),
    ("job::RELEASE_JOBS", "what a node left behind when it ended"),
    ("link::VERIFIED_HOSTS", "what the server's door serves under which name"),
    ("link::VERIFY_DOMAIN", "the token binds it to one"),
    ("workspace::INSERT_WORKSPACE", "the workspace is the row"),
    ("workspace::UPDATE_WORKSPACE", "the workspace is the row"),
    ("workspace::WORKSPACE_BY_ID", "the workspace is the row"),
    ("workspace::WORKSPACE_BY_SLUG", "the workspace is the row"),
    ("workspace::ALL_WORKSPACES", "for workers that look after each"),
    ("workspace::INSERT_SECRET", "of the installation"),
    ("workspace::PROBE", "of the installation"),
    ("search::INSERT_WORDS", "the number is that of an entry of the workspace"),
    ("search::DELETE_WORDS", "the number is that of an entry of the workspace"),
    ("workspace::SECRET", "of the installation"),
];

#[test]
fn statements_are_bound_to_their_workspace() {
    let known: BTreeSet<&str> = ACROSS_WORKSPACES.iter().map(|(name, _)| *name).collect();
    let unbound: Vec<String> = registry()
        .into_iter()
        .flat_map(|(module, statements)| statements.iter().map(move |sql| (format!("{module}::{}", sql.name), *sql)))
        .filter(|(name, sql)| !sql.postgres().contains("workspace_id") && !known.contains(name.as_str()))
        .map(|(name, _)| name)
        .collect();
    assert!(unbound.is_empty(), "{unbound:#?}");
}

/// Statements that run all the time, and an index each must use on SQLite, which takes a partial index only when its
/// condition stands in the statement word for word.
const HOT: &[(&str, &str)] = &[
    ("session::SESSIONS_IN_SIGHT", "sessions_agent"),
    ("outbox::CLAIM_DIRECT", "outbox_due"),
    ("outbox::CLAIM_DIRECT", "outbox_session_open"),
    ("outbox::CLAIM_OF_CAMPAIGN", "outbox_campaign_due"),
    ("outbox::DUE_DIRECT", "outbox_due"),
    ("outbox::DUE_DIRECT", "outbox_session_open"),
    ("outbox::DUE_OF_CAMPAIGN", "outbox_campaign_due"),
    ("outbox::RECOVER_CLAIMED", "outbox_unsettled"),
    ("outbox::RECOVER_SUBMITTING", "outbox_unsettled"),
    ("failover::WAITING_DIRECT", "outbox_due"),
    ("failover::WAITING_OF_CAMPAIGN", "outbox_campaign_due"),
    ("campaign::HAS_WAITING_MESSAGE", "outbox_campaign_due"),
    ("campaign::CANCEL_CAMPAIGN_MESSAGES", "outbox_campaign_due"),
    ("campaign::CANCEL_LEFT_BEHIND", "outbox_campaign_due"),
    ("campaign::FINISH_CAMPAIGN", "outbox_unsettled"),
    ("report::UNCLEAR_TO", "outbox_unsettled"),
    ("report::PARTS_UNDELIVERED", "provider_messages_message"),
    ("report::MESSAGE_OF_PROVIDER_ID", "outbox_provider"),
    ("report::WHOLE_MESSAGE", "outbox_provider"),
    ("report::WHOLE_MESSAGE", "provider_messages_message"),
    ("report::PARKED_AND_ACCEPTED", "outbox_provider"),
    ("message::MESSAGE_OF_OUTBOX", "outbox_provider"),
    ("message::IS_SUBMITTING", "outbox_session_open"),
    ("consent::CANCEL_WAITING_MARKETING", "outbox_waiting_address"),
    ("consent::CANCEL_WAITING_OF_CAMPAIGNS", "outbox_campaign_address"),
    ("withdrawal::WITHDRAW_ON_THE_WIRE", "outbox_unsettled"),
    ("withdrawal::WITHDRAW_OF_BATCHES", "direct_messages_address"),
    ("withdrawal::WITHDRAW_OF_BATCHES", "message_batches_working"),
    ("withdrawal::CANCEL_WAITING", "outbox_waiting_address"),
    ("withdrawal::CANCEL_WAITING_OF_CAMPAIGNS", "outbox_campaign_address"),
    ("erasure::CANCEL_OF_SESSION", "outbox_session_open"),
    ("inbox::TAKE_INBOX", "inbox_pending"),
    ("inbox::TAKE_INBOX", "inbox_pending_subject"),
    ("inbox::CLAIM_INBOX", "inbox_pending"),
    ("inbox::CLAIM_INBOX", "inbox_pending_subject"),
    ("job::CLAIM_JOBS", "jobs_due"),
];

/// Tables that grow with every message, contact or conversation.
const LARGE: &[&str] = &[
    "cases",
    "clicks",
    "consent_events",
    "consents",
    "contact_addresses",
    "contacts",
    "customer_languages",
    "data_rows",
    "direct_messages",
    "duplicates",
    "events",
    "import_changes",
    "import_chunks",
    "import_errors",
    "import_row_changes",
    "inbox",
    "jobs",
    "leads",
    "list_members",
    "messages",
    "messaging_identifiers",
    "messaging_users",
    "outbox",
    "parked_reports",
    "provider_messages",
    "recipients",
    "sessions",
    "sticky_senders",
    "work_items",
];

/// Statements that go through a large table, each with its reason.
const SCANS: &[(&str, &str)] = &[
    ("consent_state::CLEAR_CONSENTS", "rebuilds the projection"),
    ("consent_state::CONSENT_KEYS", "rebuilds the projection"),
    ("consent_chain::COUNT_UNCHAINED", "asked for by people alone"),
    ("carried::ARRIVED", "once at a restore"),
    ("carried::NEWEST_ENTRY", "once at a restore"),
    ("carried::SAID_SINCE", "once at a restore"),
    ("contact_view::ATTRIBUTE_IS_USED", "stops at the first"),
    ("crm::NEXT_CASE_NUMBER", "the end of the index"),
    ("erasure_copies::ANSWERS_ABOUT_SESSIONS", "housekeeping, once for many customers"),
    ("erasure_copies::DONE_ITEMS", "housekeeping, once for many customers"),
    ("event::DELETE_EVENTS_BEFORE", "the begin of the key"),
    ("event::EVENT_BOUNDS", "the begin of the key"),
    ("inbox::CLAIM_INBOX", "in the order of arrival, through the index of what is pending"),
    ("inbox::TAKE_INBOX", "in the order of arrival, through the index of what is pending"),
    ("inbox::COUNT_INBOX", "for measurements alone"),
    ("message::COUNT_INBOUND", "for measurements alone"),
    ("inbox::COUNT_PENDING_INBOX", "through the index of what is pending"),
    ("inbox::RELEASE_INBOX", "once when a node starts, through the index of what is pending"),
    ("job::RELEASE_JOBS", "once when a node starts"),
    ("outbox::COUNT_OUTBOX", "asked for by people alone"),
    ("report::COUNT_PARKED", "parked reports are few"),
    ("report::DELETE_PARKED", "housekeeping"),
    ("report::PARKED_AND_LINKED", "parked reports are few"),
    ("report::PARKED_AND_UNKNOWN", "parked reports are few"),
    ("restored::COUNT_NO_SILENCE", "once after a restore"),
    ("restored::HOLD_ARRIVALS", "once after a restore"),
    ("restored::HOLD_JOBS", "once after a restore"),
    ("restored::HOLD_MESSAGES", "once after a restore"),
    ("routing::QUEUE_WAITS", "asked for by people alone"),
    ("sender_pool::CLEAR_KEPT", "asked for by people alone"),
    ("sender_pool::POOLS", "asked for by people alone"),
    ("search::ADD_ALL_SESSIONS", "after a gap in the event log, which is kept for a week"),
    ("search::MARK", "the begin of the key"),
    ("table_row::ROWS_WAIT", "stops at the first"),
    ("tally::COUNT_POSTER_CHATS", "counted from the rows by tests alone"),
    ("session::ALL_SESSIONS", "a page in the order of the index"),
];

/// The table that a step of a plan reads, by its name or its alias in the statement.
fn large_table(step: &str, sql: &str) -> Option<&'static str> {
    let name = step.split_whitespace().nth(1)?;
    let words: Vec<&str> = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let alias = |table: &str| words.windows(2).any(|pair| pair[0] == table && pair[1] == name);
    LARGE.iter().copied().find(|table| *table == name || alias(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_statements_use_their_indexes_and_no_other_goes_through_a_large_table() {
    let test = sqlite_store().await;
    let connection = open_sqlite(&test);
    let mut problems = Vec::new();
    let mut found = BTreeSet::new();
    for (module, statements) in registry() {
        for sql in statements {
            let name = format!("{module}::{}", sql.name);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.sqlite())).unwrap();
            let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
            let steps: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for (_, index) in HOT.iter().filter(|(hot, _)| *hot == name) {
                found.insert((name.clone(), *index));
                if !steps.iter().any(|step| format!("{step} ").contains(&format!("INDEX {index} "))) {
                    problems.push(format!("{name} does not use {index}: {steps:?}"));
                }
            }
            let whole = |step: &&String| step.starts_with("SCAN") || step.ends_with("(workspace_id=?)");
            let through = steps.iter().filter(whole).find(|step| large_table(step, sql.sqlite()).is_some());
            if let Some(step) = through
                && !SCANS.iter().any(|(known, _)| *known == name)
            {
                problems.push(format!("{name} goes through a large table: {step}"));
            }
        }
    }
    assert_eq!(found.len(), HOT.len(), "all hot statements exist");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// SQLite builds a temporary table for a condition with three or more words in `IN`, at every change of a row that the
/// index looks at: on the outbox that cost ten times what the change itself does.
#[tokio::test(flavor = "multi_thread")]
async fn no_condition_of_an_index_on_the_outbox_builds_a_table() {
    let test = sqlite_store().await;
    let connection = open_sqlite(&test);
    let mut indexes = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'outbox' AND sql IS NOT NULL")
        .unwrap();
    let all: Vec<(String, String)> =
        indexes.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(all.len() >= 7, "{all:?}");
    let slow: Vec<_> = all.iter().filter(|(_, sql)| sql.contains(" IN (")).collect();
    assert!(slow.is_empty(), "write these conditions with OR: {slow:#?}");
}

//! What SQLite's query planner is told about the tables.
//!
//! Without statistics it takes the first column of any index to leave about ten rows. Here that column is the
//! workspace, which leaves half of everything, so it would read all of a workspace where an index finds one row. A real
//! `ANALYZE` of a young database says little about a grown one, and the plans would change with the data. So the sizes
//! are written down: the same plans in tests, on the first day and after a million messages.
//!
//! PostgreSQL gathers its own statistics.

use rusqlite::Connection;

use crate::StoreError;

/// Rows taken to be in a table that grows with every message or contact.
const LARGE: i64 = 1_000_000;
/// Rows taken to be in every other table.
const SMALL: i64 = 200;
/// Rows taken to be in an index that holds only what waits or is open.
const PARTIAL: i64 = 20_000;

const LARGE_TABLES: &[&str] = &[
    "cases",
    "clicks",
    "consent_events",
    "consents",
    "contact_addresses",
    "contacts",
    "customer_links",
    "decisions",
    "data_rows",
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
    "marketing_sends",
    "media",
    "message_charges",
    "messages",
    "messaging_identifiers",
    "messaging_users",
    "offers",
    "outbox",
    "parked_reports",
    "provider_messages",
    "recipients",
    "search_entries",
    "search_tasks",
    "sessions",
    "sticky_senders",
    "work_items",
];

/// How many different values a column is taken to have.
fn distinct(column: &str) -> i64 {
    match column {
        "workspace_id" => 2,
        "channel_id" | "kind" | "state" | "medium" | "purpose" | "class" | "actor" => 4,
        "campaign_id" | "list_id" | "queue_id" | "table_id" => 50,
        _ => LARGE,
    }
}

/// Writes the sizes down. Cheap: it looks at the schema, not at the rows.
///
/// # Errors
/// When the database cannot be written.
pub(crate) fn describe(connection: &Connection) -> Result<(), StoreError> {
    // Makes the table of statistics where there is none yet.
    connection.execute_batch("ANALYZE sqlite_schema; BEGIN IMMEDIATE; DELETE FROM sqlite_stat1")?;
    let written = write_statistics(connection);
    connection.execute_batch(if written.is_ok() { "COMMIT; ANALYZE sqlite_schema" } else { "ROLLBACK" })?;
    written
}

fn write_statistics(connection: &Connection) -> Result<(), StoreError> {
    let mut indexes = connection.prepare(
        "SELECT t.name, i.name, i.\"unique\", i.partial, i.origin = 'pk' AND t.sql LIKE '%WITHOUT ROWID%'
         FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
    )?;
    let mut columns = connection.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
    let mut insert = connection.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)")?;
    let mut rows = indexes.query([])?;
    while let Some(row) = rows.next()? {
        let (table, index): (String, String) = (row.get(0)?, row.get(1)?);
        let (unique, partial, clustered): (bool, bool, bool) = (row.get(2)?, row.get(3)?, row.get(4)?);
        // An expression has no name.
        let names = columns.query_map([&index], |row| row.get::<_, Option<String>>(0))?;
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let of_table = if LARGE_TABLES.contains(&table.as_str()) { LARGE } else { SMALL };
        let size = if partial { of_table.min(PARTIAL) } else { of_table };
        let mut left = size;
        let mut statistics = vec![size.to_string()];
        for (position, name) in names.iter().enumerate() {
            let complete = position + 1 == names.len();
            left = (left / distinct(name.as_deref().unwrap_or_default())).max(if complete && unique { 1 } else { 4 });
            statistics.push(if complete && unique { 1 } else { left }.to_string());
        }
        // The key of a clustered table goes by the table's name.
        let name = if clustered { &table } else { &index };
        insert.execute([&table, name, &statistics.join(" ")])?;
    }
    Ok(())
}

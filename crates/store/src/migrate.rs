//! Schema migrations: numbered files, each applied once in one transaction, with a backup of an older database first.
//!
//! One text serves both engines. It is written in PostgreSQL's types; for SQLite `UUID` and `BYTEA` become `BLOB`,
//! `BIGINT` becomes `INTEGER`, every table is `STRICT`, and a table marked `/* clustered */` is `WITHOUT ROWID`. So the
//! two schemas cannot drift apart. What only one of them has, such as an index of words, stands in lines that begin with
//! `-- sqlite: ` or `-- postgres: `.
//!
//! A crash inside a migration leaves the old schema (DDL is transactional on both engines); a crash between two leaves
//! the first applied and recorded, and the next start goes on with the second.

use std::path::Path;

use crate::{
    Engine, StoreError, backup, planner, postgres,
    private::{private_directory, private_file},
    sqlite,
};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3, … without gaps.
    pub version: i64,
    /// Name of the file.
    pub name: &'static str,
    /// Statements in the common text.
    pub text: &'static str,
}

/// All steps in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "0001_initial", text: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, name: "0002_segments", text: include_str!("../migrations/0002_segments.sql") },
    Migration { version: 3, name: "0003_policy", text: include_str!("../migrations/0003_policy.sql") },
    Migration { version: 4, name: "0004_lean_outbox", text: include_str!("../migrations/0004_lean_outbox.sql") },
    Migration { version: 5, name: "0005_imports", text: include_str!("../migrations/0005_imports.sql") },
    Migration { version: 6, name: "0006_consent", text: include_str!("../migrations/0006_consent.sql") },
    Migration { version: 7, name: "0007_links", text: include_str!("../migrations/0007_links.sql") },
    Migration {
        version: 8,
        name: "0008_campaign_delivery",
        text: include_str!("../migrations/0008_campaign_delivery.sql"),
    },
    Migration {
        version: 9,
        name: "0009_direct_messages",
        text: include_str!("../migrations/0009_direct_messages.sql"),
    },
    Migration { version: 10, name: "0010_provider_ids", text: include_str!("../migrations/0010_provider_ids.sql") },
    Migration { version: 11, name: "0011_whatsapp", text: include_str!("../migrations/0011_whatsapp.sql") },
    Migration { version: 12, name: "0012_senders", text: include_str!("../migrations/0012_senders.sql") },
    Migration { version: 13, name: "0013_texts", text: include_str!("../migrations/0013_texts.sql") },
    Migration { version: 14, name: "0014_contacts", text: include_str!("../migrations/0014_contacts.sql") },
    Migration { version: 15, name: "0015_sessions", text: include_str!("../migrations/0015_sessions.sql") },
    Migration { version: 16, name: "0016_templates", text: include_str!("../migrations/0016_templates.sql") },
    Migration {
        version: 17,
        name: "0017_template_campaigns",
        text: include_str!("../migrations/0017_template_campaigns.sql"),
    },
    Migration { version: 18, name: "0018_identity", text: include_str!("../migrations/0018_identity.sql") },
    Migration { version: 19, name: "0019_customers", text: include_str!("../migrations/0019_customers.sql") },
    Migration { version: 20, name: "0020_media", text: include_str!("../migrations/0020_media.sql") },
    Migration { version: 21, name: "0021_inbox", text: include_str!("../migrations/0021_inbox.sql") },
    Migration { version: 22, name: "0022_clicks", text: include_str!("../migrations/0022_clicks.sql") },
    Migration { version: 23, name: "0023_uploads", text: include_str!("../migrations/0023_uploads.sql") },
    Migration {
        version: 24,
        name: "0024_early_deletions",
        text: include_str!("../migrations/0024_early_deletions.sql"),
    },
    Migration { version: 25, name: "0025_sms_rules", text: include_str!("../migrations/0025_sms_rules.sql") },
    Migration { version: 26, name: "0026_votes", text: include_str!("../migrations/0026_votes.sql") },
    Migration { version: 27, name: "0027_tables", text: include_str!("../migrations/0027_tables.sql") },
    Migration { version: 28, name: "0028_forms", text: include_str!("../migrations/0028_forms.sql") },
    Migration {
        version: 29,
        name: "0029_customer_language",
        text: include_str!("../migrations/0029_customer_language.sql"),
    },
    Migration { version: 30, name: "0030_withdrawn", text: include_str!("../migrations/0030_withdrawn.sql") },
    Migration { version: 31, name: "0031_row_country", text: include_str!("../migrations/0031_row_country.sql") },
    Migration {
        version: 32,
        name: "0032_sender_alphabet",
        text: include_str!("../migrations/0032_sender_alphabet.sql"),
    },
    Migration { version: 33, name: "0033_sender_routes", text: include_str!("../migrations/0033_sender_routes.sql") },
    Migration { version: 34, name: "0034_campaign_files", text: include_str!("../migrations/0034_campaign_files.sql") },
    Migration { version: 35, name: "0035_flow_files", text: include_str!("../migrations/0035_flow_files.sql") },
    Migration { version: 36, name: "0036_number_in_use", text: include_str!("../migrations/0036_number_in_use.sql") },
    Migration { version: 37, name: "0037_maybe_left", text: include_str!("../migrations/0037_maybe_left.sql") },
    Migration { version: 38, name: "0038_parts_unknown", text: include_str!("../migrations/0038_parts_unknown.sql") },
    Migration { version: 39, name: "0039_initiated_by", text: include_str!("../migrations/0039_initiated_by.sql") },
    Migration { version: 40, name: "0040_language_holds", text: include_str!("../migrations/0040_language_holds.sql") },
    Migration { version: 41, name: "0041_refused_files", text: include_str!("../migrations/0041_refused_files.sql") },
    Migration { version: 42, name: "0042_upload_purpose", text: include_str!("../migrations/0042_upload_purpose.sql") },
    Migration {
        version: 43,
        name: "0043_template_consent",
        text: include_str!("../migrations/0043_template_consent.sql"),
    },
    Migration { version: 44, name: "0044_work_of_agents", text: include_str!("../migrations/0044_work_of_agents.sql") },
    Migration {
        version: 45,
        name: "0045_messages_by_time",
        text: include_str!("../migrations/0045_messages_by_time.sql"),
    },
    Migration { version: 46, name: "0046_inbox_by_id", text: include_str!("../migrations/0046_inbox_by_id.sql") },
    Migration { version: 47, name: "0047_template_told", text: include_str!("../migrations/0047_template_told.sql") },
    Migration {
        version: 48,
        name: "0048_batches_at_work",
        text: include_str!("../migrations/0048_batches_at_work.sql"),
    },
    Migration { version: 49, name: "0049_volume_tiers", text: include_str!("../migrations/0049_volume_tiers.sql") },
    Migration { version: 50, name: "0050_virus_check", text: include_str!("../migrations/0050_virus_check.sql") },
    Migration { version: 51, name: "0051_mms", text: include_str!("../migrations/0051_mms.sql") },
    Migration { version: 52, name: "0052_template_cards", text: include_str!("../migrations/0052_template_cards.sql") },
    Migration {
        version: 53,
        name: "0053_campaign_numbers",
        text: include_str!("../migrations/0053_campaign_numbers.sql"),
    },
    Migration { version: 54, name: "0054_request_hashes", text: include_str!("../migrations/0054_request_hashes.sql") },
    Migration {
        version: 55,
        name: "0055_campaign_editors",
        text: include_str!("../migrations/0055_campaign_editors.sql"),
    },
    Migration {
        version: 56,
        name: "0056_event_sequences",
        text: include_str!("../migrations/0056_event_sequences.sql"),
    },
    Migration {
        version: 57,
        name: "0057_identifiers_in_use",
        text: include_str!("../migrations/0057_identifiers_in_use.sql"),
    },
    Migration {
        version: 58,
        name: "0058_erased_sessions",
        text: include_str!("../migrations/0058_erased_sessions.sql"),
    },
    Migration {
        version: 59,
        name: "0059_template_told_apart",
        text: include_str!("../migrations/0059_template_told_apart.sql"),
    },
    Migration { version: 60, name: "0060_card_files", text: include_str!("../migrations/0060_card_files.sql") },
    Migration {
        version: 61,
        name: "0061_hashes_of_passwords",
        text: include_str!("../migrations/0061_hashes_of_passwords.sql"),
    },
    Migration {
        version: 62,
        name: "0062_events_without_words",
        text: include_str!("../migrations/0062_events_without_words.sql"),
    },
    Migration { version: 63, name: "0063_waits_of_work", text: include_str!("../migrations/0063_waits_of_work.sql") },
    Migration {
        version: 64,
        name: "0064_tries_and_held_back",
        text: include_str!("../migrations/0064_tries_and_held_back.sql"),
    },
    Migration { version: 65, name: "0065_number_quality", text: include_str!("../migrations/0065_number_quality.sql") },
    Migration {
        version: 66,
        name: "0066_removed_by_time",
        text: include_str!("../migrations/0066_removed_by_time.sql"),
    },
    Migration {
        version: 67,
        name: "0067_steps_of_sessions",
        text: include_str!("../migrations/0067_steps_of_sessions.sql"),
    },
    Migration {
        version: 68,
        name: "0068_links_keep_their_host",
        text: include_str!("../migrations/0068_links_keep_their_host.sql"),
    },
    Migration {
        version: 69,
        name: "0069_refusals_of_channels",
        text: include_str!("../migrations/0069_refusals_of_channels.sql"),
    },
    Migration {
        version: 70,
        name: "0070_texts_of_a_number",
        text: include_str!("../migrations/0070_texts_of_a_number.sql"),
    },
    Migration {
        version: 71,
        name: "0071_brakes_that_people_released",
        text: include_str!("../migrations/0071_brakes_that_people_released.sql"),
    },
    Migration { version: 72, name: "0072_further_emails", text: include_str!("../migrations/0072_further_emails.sql") },
    Migration {
        version: 73,
        name: "0073_opt_ins_of_rows",
        text: include_str!("../migrations/0073_opt_ins_of_rows.sql"),
    },
    Migration {
        version: 74,
        name: "0074_waits_of_erasures",
        text: include_str!("../migrations/0074_waits_of_erasures.sql"),
    },
    Migration {
        version: 75,
        name: "0075_texts_of_deleted_contacts",
        text: include_str!("../migrations/0075_texts_of_deleted_contacts.sql"),
    },
    Migration {
        version: 76,
        name: "0076_sent_again_in_doubt",
        text: include_str!("../migrations/0076_sent_again_in_doubt.sql"),
    },
    Migration {
        version: 77,
        name: "0077_numbers_of_leads",
        text: include_str!("../migrations/0077_numbers_of_leads.sql"),
    },
    Migration {
        version: 78,
        name: "0078_marketing_rests",
        text: include_str!("../migrations/0078_marketing_rests.sql"),
    },
    Migration {
        version: 79,
        name: "0079_devices_of_taps",
        text: include_str!("../migrations/0079_devices_of_taps.sql"),
    },
    Migration { version: 80, name: "0080_makers_of_rows", text: include_str!("../migrations/0080_makers_of_rows.sql") },
];

/// Version of the schema that this build works with.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Any number that no other program uses for an advisory lock on this database.
const LOCK: i64 = 0x5345_4755_4501;

const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";

/// Version of the schema of a database; `None` when there is no database of the product. Nothing is made or changed.
///
/// # Errors
/// When the database cannot be opened or read.
pub fn schema_version(engine: &Engine) -> Result<Option<i64>, StoreError> {
    const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    match engine {
        Engine::Sqlite(path) => {
            if !path.try_exists().map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))? {
                return Ok(None);
            }
            let connection = sqlite::open(path, sqlite::Access::ReadOnly)?;
            let found = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
            if connection.query_row(found, [], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(None);
            }
            Ok(Some(connection.query_row(VERSION, [], |row| row.get(0))?))
        }
        Engine::Postgres(url) => {
            let mut client = postgres::connect(url)?;
            let found: bool = client.query_one("SELECT to_regclass('schema_version') IS NOT NULL", &[])?.get(0);
            if !found {
                return Ok(None);
            }
            Ok(Some(client.query_one(VERSION, &[])?.get(0)))
        }
    }
}

/// Brings the database to the newest of `migrations`.
///
/// # Errors
/// When it is newer than this build, or a step fails (it is then as before).
pub(crate) fn migrate(engine: &Engine, backups: &Path, migrations: &[Migration]) -> Result<(), StoreError> {
    match engine {
        Engine::Sqlite(path) => migrate_sqlite(engine, path, backups, migrations),
        Engine::Postgres(url) => migrate_postgres(engine, url, backups, migrations),
    }
}

fn migrate_sqlite(engine: &Engine, path: &Path, backups: &Path, migrations: &[Migration]) -> Result<(), StoreError> {
    if let Some(directory) = path.parent() {
        private_directory(directory)
            .map_err(|error| StoreError::Unavailable(format!("cannot make {}: {error}", directory.display())))?;
    }
    // SQLite gives the files beside it the same rights. When it cannot be made, SQLite says why.
    drop(private_file(path));
    let connection = sqlite::open(path, sqlite::Access::ReadWrite)?;
    connection.execute_batch(VERSION_TABLE)?;
    let current: i64 =
        connection.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], |row| row.get(0))?;
    let due = due(current, migrations)?;
    if current > 0 && !due.is_empty() {
        backup_before(engine, current, backups)?;
    }
    for migration in due {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let count = "SELECT COUNT(*) FROM schema_version WHERE version = ?1";
        if connection.query_row(count, [migration.version], |row| row.get::<_, i64>(0))? > 0 {
            // Another process that started at the same moment was faster.
            connection.execute_batch("ROLLBACK")?;
            continue;
        }
        let applied = connection.execute_batch(&for_sqlite(migration.text)).and_then(|()| {
            connection.execute(
                "INSERT INTO schema_version (version, name) VALUES (?1, ?2)",
                rusqlite::params![migration.version, migration.name],
            )
        });
        if let Err(error) = applied {
            connection.execute_batch("ROLLBACK")?;
            return Err(StoreError::Statement(format!("{}: {error}", migration.name)));
        }
        connection.execute_batch("COMMIT")?;
    }
    planner::describe(&connection)
}

fn migrate_postgres(engine: &Engine, url: &str, backups: &Path, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut client = postgres::connect(url)?;
    // Two nodes that start at once migrate one after the other; the lock ends with the connection.
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK])?;
    client.batch_execute(VERSION_TABLE)?;
    let current: i64 = client.query_one("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[])?.get(0);
    let due = due(current, migrations)?;
    let keeps_out = current > 0 && !due.is_empty();
    if keeps_out {
        if !postgres::keep_others_out(&mut client)? {
            let named = named_others(&mut client)?;
            return Err(StoreError::Unsupported(format!(
                "The database has schema version {current} and is in use by another Segue{named}, which the change to \
                 version {} would break. Stop all other servers and commands of Segue first, then start this one.",
                migrations.len()
            )));
        }
        backup_before(engine, current, backups)?;
    }
    for migration in due {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(&migration.text.replace("-- postgres: ", ""))?;
        transaction.execute(
            "INSERT INTO schema_version (version, name) VALUES ($1, $2)",
            &[&migration.version, &migration.name],
        )?;
        transaction.commit()?;
    }
    if keeps_out {
        postgres::let_others_in(&mut client)?;
    }
    Ok(())
}

/// Who works with the database, in brackets.
fn named_others(client: &mut ::postgres::Client) -> Result<String, StoreError> {
    let others = postgres::others(client)?;
    Ok(if others.is_empty() { others } else { format!(" ({others})") })
}

/// Refuses while another process of Segue works with the database, and names it. The lock of a data directory tells that of the
/// embedded one; several nodes share one on PostgreSQL.
///
/// # Errors
/// [`StoreError::Unsupported`] while somebody does; else when the connection fails.
pub fn refuse_others(engine: &Engine) -> Result<(), StoreError> {
    let Engine::Postgres(url) = engine else { return Ok(()) };
    let mut client = postgres::connect(url)?;
    if !postgres::keep_others_out(&mut client)? {
        let named = named_others(&mut client)?;
        return Err(StoreError::Unsupported(format!(
            "The database is in use by another Segue{named}, which would send meanwhile. Stop all other servers and commands \
             of Segue first, then run this again. Nothing was changed."
        )));
    }
    postgres::let_others_in(&mut client)
}

fn due(current: i64, migrations: &[Migration]) -> Result<&[Migration], StoreError> {
    let known = migrations.len() as i64;
    if current > known {
        return Err(StoreError::Unsupported(format!(
            "The database has schema version {current}, this program knows {known}. Start a newer version of Segue, or \
             restore the backup that was made before the migration."
        )));
    }
    Ok(&migrations[usize::try_from(current).unwrap_or_default()..])
}

fn backup_before(engine: &Engine, current: i64, backups: &Path) -> Result<(), StoreError> {
    let name = (0..)
        .map(|attempt| backups.join(format!("before-migration-from-{current}-{attempt}.backup")))
        .find_map(|path| backup::claim(&path).map(|is_ours| is_ours.then_some(path)).transpose())
        .ok_or_else(|| StoreError::Unavailable("no free name for the backup".to_owned()))??;
    backup::write(engine, &name)?;
    tracing::info!(schema_version = current, "backed up the database before migrating it");
    Ok(())
}

/// The SQLite form of a migration's text.
pub(crate) fn for_sqlite(text: &str) -> String {
    text.replace("-- sqlite: ", "")
        .replace("BIGINT", "INTEGER")
        .replace("UUID", "BLOB")
        .replace("BYTEA", "BLOB")
        .replace(") /* clustered */;", ") STRICT, WITHOUT ROWID;")
        .replace(") /* table */;", ") STRICT;")
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;

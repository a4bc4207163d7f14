//! Migrations on both engines: each applied once, undone as a whole when it fails, after a backup.

use tempfile::TempDir;

use super::*;

/// The step after the product's own.
const NEXT: i64 = SCHEMA_VERSION + 1;
const EXTRA: Migration =
    Migration { version: NEXT, name: "extra", text: "CREATE TABLE extra (id UUID PRIMARY KEY) /* table */;" };
const BROKEN_EXTRA: Migration = Migration {
    version: NEXT,
    name: "extra",
    text: "CREATE TABLE extra (id UUID PRIMARY KEY) /* table */; CREATE TABLE (;",
};
const MORE: Migration =
    Migration { version: NEXT + 1, name: "more", text: "CREATE TABLE more (id UUID PRIMARY KEY) /* table */;" };
const BROKEN_MORE: Migration = Migration { version: NEXT + 1, name: "more", text: "CREATE TABLE more (;" };

fn steps(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

struct Database {
    engine: Engine,
    directory: TempDir,
}

fn databases() -> Vec<Database> {
    let make = |engine, directory| Database { engine, directory };
    let directory = || TempDir::new().unwrap();
    let first = directory();
    let mut all = vec![make(Engine::Sqlite(first.path().join("segue.db")), first)];
    all.extend(segue_testkit::postgres_database().map(|url| make(Engine::Postgres(url), directory())));
    all
}

impl Database {
    fn migrate(&self, extra: &[Migration]) -> Result<(), StoreError> {
        migrate(&self.engine, &self.backups(), &[MIGRATIONS, extra].concat())
    }

    fn backups(&self) -> std::path::PathBuf {
        self.directory.path().join("backups")
    }

    fn backup_sizes(&self) -> Vec<u64> {
        let files = std::fs::read_dir(self.backups()).into_iter().flatten().flatten();
        files.map(|file| file.metadata().unwrap().len()).collect()
    }

    fn versions(&self) -> Vec<i64> {
        let text = "SELECT version FROM schema_version ORDER BY version";
        match &self.engine {
            Engine::Sqlite(path) => {
                let connection = sqlite::open(path, sqlite::Access::ReadOnly).unwrap();
                let mut statement = connection.prepare(text).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Engine::Postgres(url) => {
                postgres::connect(url).unwrap().query(text, &[]).unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }

    fn has_table(&self, name: &str) -> bool {
        let text = format!("SELECT COUNT(*) FROM {name}");
        match &self.engine {
            Engine::Sqlite(path) => sqlite::open(path, sqlite::Access::ReadOnly).unwrap().prepare(&text).is_ok(),
            Engine::Postgres(url) => postgres::connect(url).unwrap().query(&text, &[]).is_ok(),
        }
    }
}

#[test]
fn steps_are_numbered_without_gaps() {
    let numbers: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    assert_eq!(numbers, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
}

#[test]
fn an_older_database_is_backed_up_and_brought_up_to_date_once() {
    for database in databases() {
        database.migrate(&[]).unwrap();
        assert!(database.backup_sizes().is_empty(), "a fresh database has nothing to back up");
        database.migrate(&[EXTRA]).unwrap();
        database.migrate(&[EXTRA]).unwrap();
        assert_eq!(database.versions(), steps(NEXT));
        assert!(database.has_table("extra"));
        let backups = database.backup_sizes();
        assert_eq!(backups.len(), 1, "{:?}", database.engine);
        assert!(backups[0] > 10_000, "{backups:?}");
    }
}

#[test]
fn a_failed_step_leaves_nothing_and_the_next_start_goes_on() {
    for database in databases() {
        database.migrate(&[]).unwrap();
        database.migrate(&[BROKEN_EXTRA]).unwrap_err();
        assert_eq!(database.versions(), steps(SCHEMA_VERSION));
        assert!(!database.has_table("extra"), "the whole step is undone");

        database.migrate(&[EXTRA, BROKEN_MORE]).unwrap_err();
        assert_eq!(database.versions(), steps(NEXT), "what was applied before the failure stays");

        database.migrate(&[EXTRA, MORE]).unwrap();
        assert_eq!(database.versions(), steps(NEXT + 1));
        assert!(database.has_table("more"));
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    for database in databases() {
        database.migrate(&[EXTRA]).unwrap();
        let refused = database.migrate(&[]).unwrap_err();
        assert!(matches!(&refused, StoreError::Unsupported(why) if why.contains("newer version")), "{refused}");
        assert_eq!(database.versions(), steps(NEXT));
    }
}

#[test]
fn two_nodes_that_start_at_once_migrate_once() {
    for database in databases() {
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| database.migrate(&[EXTRA]))).collect();
            for start in starts {
                start.join().unwrap().unwrap();
            }
        });
        assert_eq!(database.versions(), steps(NEXT));
    }
}

#[test]
fn nobody_changes_the_schema_under_a_server_that_runs() {
    for database in databases() {
        let Engine::Postgres(url) = &database.engine else { continue };
        database.migrate(&[]).unwrap();
        let config = crate::StoreConfig::new(Engine::Postgres(url.clone()), database.backups());
        let running = crate::Store::open(config).unwrap();
        let refused = database.migrate(&[EXTRA]).unwrap_err().to_string();
        assert!(refused.contains("Stop all other servers"), "{refused}");
        let named = format!("(process {} at ", std::process::id());
        assert!(refused.contains(&named) && refused.contains(" since 2"), "who has it, and since when: {refused}");
        assert_eq!(database.versions(), steps(SCHEMA_VERSION));
        running.close();
        database.migrate(&[EXTRA]).unwrap();
        assert_eq!(database.versions(), steps(NEXT));
    }
}

#[test]
fn a_database_that_others_work_with_is_refused_with_their_names() {
    for database in databases() {
        database.migrate(&[]).unwrap();
        refuse_others(&database.engine).unwrap();
        let Engine::Postgres(url) = &database.engine else { continue };
        let open = || crate::Store::open(crate::StoreConfig::new(Engine::Postgres(url.clone()), database.backups()));
        let running = open().unwrap();
        let refused = refuse_others(&database.engine).unwrap_err().to_string();
        let named = format!("(process {} at ", std::process::id());
        assert!(refused.contains("Stop all other servers") && refused.contains(&named), "{refused}");
        running.close();
        refuse_others(&database.engine).unwrap();
        open().unwrap().close();
    }
}

#[test]
fn whoever_was_kept_out_comes_in_as_soon_as_the_schema_is_changed() {
    for database in databases() {
        let Engine::Postgres(url) = &database.engine else { continue };
        database.migrate(&[]).unwrap();
        let mut changing = postgres::connect(url).unwrap();
        assert!(postgres::keep_others_out(&mut changing).unwrap());
        let open = || crate::Store::open(crate::StoreConfig::new(Engine::Postgres(url.clone()), database.backups()));
        let refused = open().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("brought to another version"), "{refused}");
        postgres::let_others_in(&mut changing).unwrap();
        // The connection that changed it is still there.
        open().unwrap().close();
        // The server notices the end of a connection a little later.
        let began = std::time::Instant::now();
        while !postgres::others(&mut changing).unwrap().is_empty() {
            assert!(began.elapsed() < std::time::Duration::from_secs(20), "somebody is still named");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn the_backup_of_sqlite_opens_and_holds_the_rows() {
    let database = &databases()[0];
    database.migrate(&[]).unwrap();
    let Engine::Sqlite(path) = &database.engine else { panic!("the first is SQLite") };
    let connection = sqlite::open(path, sqlite::Access::ReadWrite).unwrap();
    connection.execute("INSERT INTO installation (name, value) VALUES ('key', x'01')", []).unwrap();
    let copy = database.directory.path().join("copy.db");
    backup::backup(&database.engine, &copy).unwrap();
    let opened = sqlite::open(&copy, sqlite::Access::ReadOnly).unwrap();
    let rows: i64 = opened.query_row("SELECT COUNT(*) FROM installation", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
    let again = backup::backup(&database.engine, &copy).unwrap_err();
    assert!(matches!(again, StoreError::Unsupported(_)), "an existing file is never overwritten");
}

#[test]
fn quick_hashes_of_passwords_go_and_other_answers_stay() {
    const ROWS: [(&str, &str); 4] = [
        ("user", r#"201, '{"id":"usr_1","email":"a@a.example","name":"A","role":"agent","created_at":1}'"#),
        ("refused", r#"422, '{"code":"invalid_password"}'"#),
        ("campaign", r#"201, '{"id":"cmp_1","name":"email and role"}'"#),
        ("open", "NULL, NULL"),
    ];
    for database in databases() {
        migrate(&database.engine, &database.backups(), &MIGRATIONS[..55]).unwrap();
        let insert = |workspace: &str, hash: &str| {
            let row = |(key, answer): &(&str, &str)| format!("({workspace}, 'user', '{key}', {hash}, {answer}, 1)");
            let rows: Vec<String> = ROWS.iter().map(row).collect();
            format!(
                "INSERT INTO idempotency_keys (workspace_id, actor, key, request_hash, status, body, created_at)
                    VALUES {}",
                rows.join(", ")
            )
        };
        let text = "SELECT key FROM idempotency_keys ORDER BY key";
        let left: Vec<String> = match &database.engine {
            Engine::Sqlite(path) => {
                let connection = sqlite::open(path, sqlite::Access::ReadWrite).unwrap();
                connection.execute_batch(&insert(&format!("x'{:032x}'", 1), "x'00'")).unwrap();
                database.migrate(&[]).unwrap();
                let mut statement = connection.prepare(text).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Engine::Postgres(url) => {
                let mut client = postgres::connect(url).unwrap();
                let workspace = format!("'{}'", uuid::Uuid::from_u128(1));
                client.batch_execute(&insert(&workspace, r"'\x00'")).unwrap();
                database.migrate(&[]).unwrap();
                client.query(text, &[]).unwrap().iter().map(|row| row.get(0)).collect()
            }
        };
        assert_eq!(left, ["campaign", "open"], "{:?}", database.engine);
    }
}

#[test]
fn the_file_of_a_message_is_found_in_what_older_versions_wrote() {
    use segue_model::MediaId;
    let ids = [0x0197_c0de_0123_4567_89ab_cdef_0246_8ace_u128, u128::MAX, 1].map(uuid::Uuid::from_u128);
    for database in databases() {
        migrate(&database.engine, &database.backups(), &MIGRATIONS[..18]).unwrap();
        let row = |id: String, uuid: &dyn Fn(u128) -> String, at: usize| {
            let content = if id.is_empty() {
                "{}".to_owned()
            } else {
                format!(r#"{{"media":{{"id":"{id}","mime":"image/png","file_name":null}}}}"#)
            };
            format!(
                "INSERT INTO messages (workspace_id, session_id, id, channel_id, direction, author, kind, content, text, at)
                    VALUES ({}, {}, {}, {}, 'inbound', 'customer', 'image', '{content}', '', {at})",
                uuid(1),
                uuid(2),
                uuid(at as u128),
                uuid(3)
            )
        };
        let mut written: Vec<String> = ids.iter().map(|id| MediaId(*id).to_string()).collect();
        written.push(String::new());
        let found: Vec<Option<String>> = match &database.engine {
            Engine::Sqlite(path) => {
                let connection = sqlite::open(path, sqlite::Access::ReadWrite).unwrap();
                for (at, id) in written.into_iter().enumerate() {
                    connection.execute_batch(&row(id, &|value| format!("x'{value:032x}'"), at)).unwrap();
                }
                drop(connection);
                database.migrate(&[]).unwrap();
                let connection = sqlite::open(path, sqlite::Access::ReadOnly).unwrap();
                let mut statement =
                    connection.prepare("SELECT lower(hex(media_id)) FROM messages ORDER BY at").unwrap();
                let hex: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
                hex.into_iter().map(|hex| Some(hex).filter(|hex| !hex.is_empty())).collect()
            }
            Engine::Postgres(url) => {
                let mut client = postgres::connect(url).unwrap();
                for (at, id) in written.into_iter().enumerate() {
                    let uuid = |value: u128| format!("'{}'", uuid::Uuid::from_u128(value));
                    client.batch_execute(&row(id, &uuid, at)).unwrap();
                }
                database.migrate(&[]).unwrap();
                let rows =
                    client.query("SELECT replace(media_id::text, '-', '') FROM messages ORDER BY at", &[]).unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        let mut expected: Vec<Option<String>> = ids.iter().map(|id| Some(format!("{:032x}", id.as_u128()))).collect();
        expected.push(None);
        assert_eq!(found, expected, "{:?}", database.engine);
    }
}

#[test]
fn the_number_of_a_lead_is_brought_into_one_form_or_is_nobodys() {
    const NUMBERS: [(&str, Option<&str>); 7] = [
        ("+12025550101", Some("+12025550101")),
        ("+1 (202) 555-0102", Some("+12025550102")),
        ("+49 (0)30/123.456", Some("+4930123456")),
        ("+1 202 555 0103 ext. 4", None),
        ("202 555 0104", None),
        ("+012025550105", None),
        ("+123", None),
    ];
    const INSERT: &str = "INSERT INTO leads (workspace_id, id, name, phone, status, created_at) VALUES";
    const READ: &str = "SELECT phone FROM leads ORDER BY created_at";
    for database in databases() {
        migrate(&database.engine, &database.backups(), &MIGRATIONS[..76]).unwrap();
        let insert = |uuid: &dyn Fn(usize) -> String| {
            let row = |(at, (number, _)): (usize, &(&str, Option<&str>))| {
                format!("({}, {}, 'Ana', '{number}', 'new', {at})", uuid(1), uuid(at + 2))
            };
            let rows: Vec<String> = NUMBERS.iter().enumerate().map(row).collect();
            format!("{INSERT} {}", rows.join(", "))
        };
        let left: Vec<Option<String>> = match &database.engine {
            Engine::Sqlite(path) => {
                let connection = sqlite::open(path, sqlite::Access::ReadWrite).unwrap();
                connection.execute_batch(&insert(&|value| format!("x'{value:032x}'"))).unwrap();
                database.migrate(&[]).unwrap();
                let mut statement = connection.prepare(READ).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Engine::Postgres(url) => {
                let mut client = postgres::connect(url).unwrap();
                let uuid = |value: usize| format!("'{}'", uuid::Uuid::from_u128(value as u128));
                client.batch_execute(&insert(&uuid)).unwrap();
                database.migrate(&[]).unwrap();
                client.query(READ, &[]).unwrap().iter().map(|row| row.get(0)).collect()
            }
        };
        let expected: Vec<Option<String>> = NUMBERS.iter().map(|(_, number)| number.map(str::to_owned)).collect();
        assert_eq!(left, expected, "{:?}", database.engine);
    }
}

//! Going back to a backup: nothing of it is sent a second time, and nothing of the old database is mixed into it.

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use segue::{config::Config, server::Server};
use segue_channels::http::{HttpLimits, http_client};
use segue_model::Ctx;
use segue_sandbox::{Sandbox, SandboxConfig};
use segue_testkit::Port;
use serde_json::{Value, json};

const KEY: &str = "an-api-key-for-the-restore-test";
const RECIPIENTS: usize = 10;

fn segue(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.env("SEGUE_DATA_DIRECTORY", directory).env("SEGUE_LOG", "warn");
    command
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The demo's workspace without a WhatsApp number, whose carrier is to be at this port.
fn set_up(directory: &Path, port: u16) {
    let file = directory.join("workspace.yaml");
    let text = format!(
        "workspace:\n  slug: main\n  name: Acme\n  time_zone: America/New_York\n  country: US\n  \
         quiet_hours: {{ start: '00:00', end: '00:00' }}\n\
         channels:\n  - slug: carrier\n    name: Carrier\n    config: {{ kind: smpp, host: 127.0.0.1, port: {port}, \
         system_id: segue, password: sandbox, window: 10, segments_per_second: 100 }}\n\
         senders:\n  - channel: carrier\n    address: '+15550100001'\n    kind: long_code\n    registered:\n      \
         - {{ kind: brand, name: Acme }}\n      - {{ kind: campaign, name: Acme offers }}\n"
    );
    std::fs::write(&file, text).unwrap();
    done(&segue(directory).args(["apply", "--yes", "--file"]).arg(&file).output().unwrap());
    let contacts = directory.join("contacts.csv");
    let rows: String = (0..RECIPIENTS).map(|number| format!("+1555020{number:04},Customer\n")).collect();
    std::fs::write(&contacts, format!("phone,first_name\n{rows}")).unwrap();
    let mut import = segue(directory);
    import.args(["import", "contacts", "--list", "Everyone", "--consent-wording", "Yes, text me offers."]);
    done(&import.args(["--consent-method", "web_form", "--json"]).arg(&contacts).output().unwrap());
}

async fn serve(directory: &Path) -> Server {
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_directory: directory.to_owned(),
        workspace_name: Some("Acme".to_owned()),
        api_key: Some(KEY.to_owned().into()),
        ..Config::default()
    };
    Server::start(config, Ctx::system()).await.unwrap()
}

struct Client(reqwest::Client);

impl Client {
    async fn get(&self, url: &str) -> Value {
        let text = self.0.get(url).bearer_auth(KEY).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{url}: {text}"))
    }

    async fn post(&self, url: &str, body: &Value) -> Value {
        let text = self.0.post(url).bearer_auth(KEY).json(body).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// How many texts the carrier took.
    async fn accepted(&self, sandbox: &Sandbox) -> usize {
        let ledger = self.get(&format!("http://{}/sandbox/v1/ledger", sandbox.http_addr)).await;
        ledger["entries"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "sms_accepted").count()
    }

    /// Waits until `url` shows `wanted` at `pointer`.
    async fn until(&self, url: &str, pointer: &str, wanted: &Value) {
        let started = Instant::now();
        loop {
            let shown = self.get(url).await;
            if shown.pointer(pointer) == Some(wanted) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{url}: {shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_after_a_backup_is_not_sent_again_when_it_is_restored() {
    segue::install_crypto();
    let client = Client(http_client(HttpLimits::default()).unwrap());
    let (directory, reserved) = (tempfile::tempdir().unwrap(), Port::reserve().unwrap());
    let (directory, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    std::fs::create_dir(&directory).unwrap();
    set_up(&directory, reserved.number());

    // The carrier is away, so that everything waits.
    let server = serve(&directory).await;
    let url = format!("http://{}/api/v1", server.address());
    let status = client.get(&format!("{url}/setup-status")).await;
    let input = json!({
        "name": "June offer", "sender_id": status["senders"][0]["id"], "audience": { "list_id": null, "filter": null },
        "body": "June offer: 20% off tents.", "footer": "none", "whatsapp_channel_id": null, "prefilled_text": "",
    });
    let campaign = client.post(&format!("{url}/campaigns"), &input).await["id"].as_str().unwrap().to_owned();
    client.post(&format!("{url}/campaigns/{campaign}/start"), &json!({})).await;
    client.until(&format!("{url}/campaigns/{campaign}/funnel"), "/queued", &json!(RECIPIENTS)).await;
    client.until(&format!("{url}/campaigns/{campaign}"), "/state", &json!("running")).await;
    done(&segue(&directory).arg("backup").arg(&copy).output().unwrap());
    let running = refused(&segue(&directory).arg("restore").arg(&copy).output().unwrap());
    assert!(running.contains("Another Segue"), "{running}");

    let sandbox = Sandbox::start(SandboxConfig {
        smpp_bind: ([127, 0, 0, 1], reserved.number()).into(),
        ..SandboxConfig::default()
    });
    let sandbox = sandbox.await.unwrap();
    let started = Instant::now();
    while client.accepted(&sandbox).await < RECIPIENTS {
        assert!(started.elapsed() < Duration::from_secs(60), "the carrier takes them");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.shutdown().await;

    let shown = done(&segue(&directory).arg("restore").arg(&copy).output().unwrap());
    assert!(shown.contains("1 campaigns are paused"), "{shown}");
    let server = serve(&directory).await;
    let url = format!("http://{}/api/v1", server.address());
    let shown = client.get(&format!("{url}/campaigns/{campaign}")).await;
    assert_eq!(shown["state"], "paused", "{shown}");
    assert!(shown["attention"].as_str().unwrap().contains("restored from a backup"), "{shown}");
    client.until(&format!("{url}/channels"), "/data/0/state", &json!("connected")).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.accepted(&sandbox).await, RECIPIENTS, "none twice");

    // A person decides.
    client.post(&format!("{url}/campaigns/{campaign}/resume"), &json!({})).await;
    let started = Instant::now();
    while client.accepted(&sandbox).await < 2 * RECIPIENTS {
        assert!(started.elapsed() < Duration::from_secs(60), "resumed by a person, they leave");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.shutdown().await;
    sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_came_after_a_backup_holds_when_it_is_restored() {
    segue::install_crypto();
    let client = Client(http_client(HttpLimits::default()).unwrap());
    let (directory, reserved) = (tempfile::tempdir().unwrap(), Port::reserve().unwrap());
    let (directory, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    std::fs::create_dir(&directory).unwrap();
    set_up(&directory, reserved.number());
    let sandbox = Sandbox::start(SandboxConfig {
        smpp_bind: ([127, 0, 0, 1], reserved.number()).into(),
        ..SandboxConfig::default()
    });
    let sandbox = sandbox.await.unwrap();
    done(&segue(&directory).arg("backup").arg(&copy).output().unwrap());

    let server = serve(&directory).await;
    let url = format!("http://{}/api/v1", server.address());
    client.until(&format!("{url}/channels"), "/data/0/state", &json!("connected")).await;
    let handsets = format!("http://{}/sandbox/v1/handsets", sandbox.http_addr);
    let says = async |number: usize, text: &str| {
        client.post(&handsets, &json!({ "phone": format!("+1555020{number:04}") })).await;
        let url = format!("{handsets}/1555020{number:04}/sms");
        client.post(&url, &json!({ "to": "+15550100001", "text": text })).await;
    };
    says(0, "STOP").await;
    let listed = json!({ "numbers": ["+15550200001"], "reason": "Asked by phone" });
    client.post(&format!("{url}/suppressions"), &listed).await;
    says(2, "Sorry, not interested").await;
    client.until(&format!("{url}/consent-reviews"), "/data/0/address", &json!("+15550200002")).await;
    client.until(&format!("{url}/suppressions"), "/data/0/address", &json!("+15550200001")).await;
    let said = format!("{url}/contacts?search=%2B15550200000");
    client.until(&said, "/data/0/sms_consent", &json!("revoked")).await;
    server.shutdown().await;

    let shown = done(&segue(&directory).args(["restore", "--json"]).arg(&copy).output().unwrap());
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let carried = json!({ "entries": shown["carried"]["entries"], "suppressions": 1, "reviews": 1, "arrivals": 0 });
    assert_eq!(shown["carried"], carried, "{shown}");
    assert!(shown["carried"]["entries"].as_u64().is_some_and(|entries| entries > 0), "{shown}");

    let server = serve(&directory).await;
    let url = format!("http://{}/api/v1", server.address());
    client.until(&format!("{url}/channels"), "/data/0/state", &json!("connected")).await;
    let status = client.get(&format!("{url}/setup-status")).await;
    let input = json!({
        "name": "June offer", "sender_id": status["senders"][0]["id"], "audience": { "list_id": null, "filter": null },
        "body": "June offer: 20% off tents.", "footer": "none", "whatsapp_channel_id": null, "prefilled_text": "",
    });
    let campaign = client.post(&format!("{url}/campaigns"), &input).await["id"].as_str().unwrap().to_owned();
    client.post(&format!("{url}/campaigns/{campaign}/start"), &json!({})).await;
    client.until(&format!("{url}/campaigns/{campaign}"), "/state", &json!("finished")).await;
    let ledger = client.get(&format!("http://{}/sandbox/v1/ledger", sandbox.http_addr)).await;
    let to = |number: usize| {
        let is_to = |entry: &&Value| {
            entry["kind"] == "sms_accepted"
                && entry["text"].as_str().is_some_and(|text| text.contains("June offer"))
                && entry.to_string().contains(&format!("1555020{number:04}"))
        };
        ledger["entries"].as_array().unwrap().iter().filter(is_to).count()
    };
    let sent: Vec<_> = (0..RECIPIENTS).map(to).collect();
    assert_eq!(sent, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1], "who said no gets nothing: {ledger}");
    server.shutdown().await;
    sandbox.shutdown().await;

    // Where the database that was there cannot be read, the words say what is missing.
    std::fs::write(directory.join("segue.db"), "no database").unwrap();
    let shown = done(&segue(&directory).arg("restore").arg(&copy).output().unwrap());
    assert!(shown.contains("Opt-outs said after the backup was made are not in it"), "{shown}");
    assert!(shown.contains("newest entry of its consent ledger is of 20"), "{shown}");

    // A new installation knows nothing of what was said to the old one, and does not pass for it.
    let other = directory.with_file_name("other");
    std::fs::create_dir(&other).unwrap();
    set_up(&other, reserved.number());
    let shown = done(&segue(&other).arg("restore").arg(&copy).output().unwrap());
    assert!(shown.contains("not the one that the backup was made of"), "{shown}");
    assert!(shown.contains("Opt-outs said after the backup was made are not in it"), "{shown}");
}

#[test]
fn what_came_in_since_and_long_texts_that_wait_are_dead_letters_after_a_restore() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    std::fs::create_dir(&data).unwrap();
    set_up(&data, 1);
    let database = data.join("segue.db");
    let change = |sql: &str| {
        let changed = rusqlite::Connection::open(&database).unwrap().execute(sql, []).unwrap();
        assert_eq!(changed, 1, "{sql}");
    };
    change(
        "INSERT INTO jobs (workspace_id, id, kind, dedupe_key, payload, state, run_at, created_at)
            SELECT id, randomblob(16), 'read_long_text', 'x', '{}', 'waiting', 9000000000000, 1 FROM workspaces",
    );
    done(&segue(&data).arg("backup").arg(&copy).output().unwrap());
    change(
        "INSERT INTO inbox (workspace_id, id, channel_id, kind, external_id, subject, payload, state, next_at, received_at)
            SELECT workspace_id, randomblob(16), id, 'sms', 'stop', '+15550200003', '{\"text\":\"STOP\"}', 'pending', 1, 1
            FROM channels",
    );
    let shown = done(&segue(&data).arg("restore").arg(&copy).output().unwrap());
    assert!(shown.contains("and 1 messages that had come in and were not worked on"), "{shown}");
    assert!(shown.contains("and 1 timers and batches are dead letters"), "{shown}");
    let restored = rusqlite::Connection::open(&database).unwrap();
    let count = |sql: &str| restored.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let letters = "SELECT COUNT(*) FROM dead_letters d JOIN inbox i ON i.id = d.source_id
        WHERE d.source = 'inbox' AND d.resolution IS NULL AND i.state = 'dead' AND i.payload LIKE '%STOP%'";
    assert_eq!(count(letters), 1);
    assert_eq!(count("SELECT COUNT(*) FROM jobs WHERE kind = 'read_long_text' AND state = 'dead'"), 1);
}

#[test]
fn nothing_of_the_old_database_is_played_into_the_restored_one() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    let file = directory.path().join("workspace.yaml");
    let write = |name: &str| {
        let text = format!("workspace: {{ slug: main, name: {name}, time_zone: UTC, country: US }}\n");
        std::fs::write(&file, text).unwrap();
        done(&segue(&data).args(["apply", "--yes", "--file"]).arg(&file).output().unwrap());
    };
    write("Before");
    done(&segue(&data).arg("backup").arg(&copy).output().unwrap());
    // A process that was killed leaves a log: take it while somebody has the database open.
    let database = data.join("segue.db");
    let open = rusqlite::Connection::open(&database).unwrap();
    let name = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT name FROM workspaces", [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(name(&open), "Before");
    write("After");
    let log = data.join("segue.db-wal");
    let left = std::fs::read(&log).unwrap();
    let before = std::fs::read(&database).unwrap();
    assert!(!left.is_empty(), "there is a log");
    drop(open);
    std::fs::write(&database, before).unwrap();
    std::fs::write(&log, left).unwrap();

    done(&segue(&data).arg("restore").arg(&copy).output().unwrap());
    assert!(!log.exists());
    assert_eq!(name(&rusqlite::Connection::open(&database).unwrap()), "Before");
    assert_eq!(name(&rusqlite::Connection::open(data.join("segue.before-restore-0")).unwrap()), "After", "it is kept");
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    let file = directory.path().join("workspace.yaml");
    std::fs::write(&file, "workspace: { slug: main, name: Acme, time_zone: UTC, country: US }\n").unwrap();
    done(&segue(&data).args(["apply", "--yes", "--file"]).arg(&file).output().unwrap());
    done(&segue(&data).arg("backup").arg(&copy).output().unwrap());
    let present = std::fs::read(data.join("segue.db")).unwrap();
    let damaged = directory.path().join("damaged.backup");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    let other = directory.path().join("other.backup");
    std::fs::write(&other, "a text").unwrap();
    for (from, why) in
        [(&damaged, "damaged"), (&other, "cannot be restored"), (&directory.path().join("none"), "opened")]
    {
        let words = refused(&segue(&data).arg("restore").arg(from).output().unwrap());
        assert!(words.contains(why), "{words}");
    }
    assert_eq!(std::fs::read(data.join("segue.db")).unwrap(), present);
    assert!(!data.join("segue.restoring").exists());
}

#[test]
fn commands_that_only_look_make_no_database_and_change_no_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("data"), directory.path().join("copy.backup"));
    let file = directory.path().join("workspace.yaml");
    std::fs::write(&file, "workspace: { slug: main, name: Acme, time_zone: UTC, country: US }\n").unwrap();
    let copy = copy.to_str().unwrap().to_owned();
    let yaml = file.to_str().unwrap().to_owned();
    let commands = [vec!["backup", &copy], vec!["doctor"], vec!["apply", "--dry-run", "--file", &yaml]];
    for command in &commands {
        let output = segue(&data).args(command).output().unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && words.contains("There is no database"), "{command:?}: {words}");
        assert!(!data.join("segue.db").exists() && !Path::new(&copy).exists(), "{command:?}");
    }
    done(&segue(&data).args(["apply", "--yes", "--file", &yaml]).output().unwrap());
    let version = |change: &str| {
        let connection = rusqlite::Connection::open(data.join("segue.db")).unwrap();
        connection.execute(change, []).unwrap();
        connection.query_row("SELECT MAX(version) FROM schema_version", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let older = version("DELETE FROM schema_version WHERE version = (SELECT MAX(version) FROM schema_version)");
    for command in &commands {
        let output = segue(&data).args(command).output().unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && words.contains("schema version"), "{command:?}: {words}");
    }
    assert_eq!(version("DELETE FROM schema_version WHERE version < 0"), older, "left alone");
    assert!(!data.join("backups").exists(), "and no backup before a change");
}

#[cfg(unix)]
#[test]
fn nobody_else_on_the_machine_reads_the_database_or_its_copies() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let (data, copies) = (directory.path().join("data"), directory.path().join("copies"));
    let file = directory.path().join("workspace.yaml");
    std::fs::write(&file, "workspace: { slug: main, name: Acme, time_zone: UTC, country: US }\n").unwrap();
    done(&segue(&data).args(["apply", "--yes", "--file"]).arg(&file).output().unwrap());
    done(&segue(&data).arg("backup").arg(copies.join("copy.backup")).output().unwrap());
    let rights = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((rights(&data), rights(&copies)), (0o700, 0o700));
    assert_eq!((rights(&data.join("segue.db")), rights(&copies.join("copy.backup"))), (0o600, 0o600));
    done(&segue(&data).arg("restore").arg(copies.join("copy.backup")).output().unwrap());
    assert_eq!(rights(&data.join("segue.db")), 0o600);
}

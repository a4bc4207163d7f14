//! `kill -9` of the real server in the middle of a campaign, and its restart, on both engines.
//!
//! What must hold, by the carrier's own ledger: no customer gets the SMS twice, and whoever does not get it is shown as
//! `unknown`. What may not happen silently is nothing.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use segue_channels::http::{HttpLimits, http_client};
use segue_sandbox::{Sandbox, SandboxConfig};
use segue_testkit::Port;
use serde_json::{Value, json};

const KEY: &str = "an-api-key-for-the-kill-test";
const RECIPIENTS: usize = 400;
/// Most submits without an answer, as the demo's workspace file sets it.
const WINDOW: usize = 10;
const KILLS: usize = 3;

struct Server {
    child: Child,
    url: String,
    _port: Port,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(client: &reqwest::Client, directory: &Path, database: Option<&str>, sandbox: &Sandbox) -> Self {
        let reserved = Port::reserve().unwrap();
        let port = reserved.number();
        let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
        command
            .arg("serve")
            .env("SEGUE_LISTEN", format!("127.0.0.1:{port}"))
            .env("SEGUE_DATA_DIRECTORY", directory)
            .env("SEGUE_API_KEY", KEY)
            .env("SEGUE_WORKSPACE_NAME", "Acme Outdoor")
            .env("SEGUE_WHATSAPP_LINK_BASE", &sandbox.whatsapp_link_base)
            .env("SEGUE_LOG", "warn")
            .stdout(Stdio::null());
        if let Some(url) = database {
            command.env("SEGUE_DATABASE_URL", url);
        }
        let server = Self { child: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}"), _port: reserved };
        let started = Instant::now();
        while client.get(format!("{}/readyz", server.url)).send().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn kill(mut self) {
        // SIGKILL: the process has no chance to finish anything.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn get(client: &reqwest::Client, url: &str) -> Value {
    let response = client.get(url).bearer_auth(KEY).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Value {
    let response = client.post(url).bearer_auth(KEY).json(body).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

async fn accepted(client: &reqwest::Client, sandbox: &Sandbox) -> Vec<Value> {
    let ledger = get(client, &format!("http://{}/sandbox/v1/ledger", sandbox.http_addr)).await;
    let entries = ledger["entries"].as_array().unwrap();
    entries.iter().filter(|entry| entry["kind"] == "sms_accepted").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_and_sends_nothing_twice() {
    segue::install_crypto();
    kill_and_restart("sqlite", None).await;
    // The launcher talks to the server in its own blocking way.
    if let Some(url) = tokio::task::spawn_blocking(segue_testkit::postgres_database).await.unwrap() {
        kill_and_restart("postgres", Some(url)).await;
    }
}

async fn kill_and_restart(engine: &str, database: Option<String>) {
    let client = http_client(HttpLimits::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
    let database = database.as_deref();
    set_up(directory.path(), database, &sandbox);
    let mut server = Server::start(&client, directory.path(), database, &sandbox).await;
    // Answers take a while, so that each kill finds messages on their way.
    let faults = json!({ "smpp_response_delay_ms": 40 });
    let response =
        client.put(format!("http://{}/sandbox/v1/faults", sandbox.http_addr)).json(&faults).send().await.unwrap();
    assert!(response.status().is_success());
    let campaign = start_campaign(&client, &server.url).await;

    for kill in 1..=KILLS {
        let wanted = kill * RECIPIENTS / (KILLS + 2);
        let started = Instant::now();
        while accepted(&client, &sandbox).await.len() < wanted {
            assert!(started.elapsed() < Duration::from_secs(60), "only a part was sent on {engine}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.kill();
        server = Server::start(&client, directory.path(), database, &sandbox).await;
    }

    let funnel_url = format!("{}/api/v1/campaigns/{campaign}/funnel", server.url);
    let started = Instant::now();
    let funnel = loop {
        let funnel = get(&client, &funnel_url).await;
        let open = funnel["queued"].as_i64().unwrap();
        let settled = funnel["delivered"].as_i64().unwrap() + funnel["unknown"].as_i64().unwrap();
        if open == 0 && settled == i64::try_from(RECIPIENTS).unwrap() {
            break funnel;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "the campaign does not end on {engine}: {funnel}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };

    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for entry in accepted(&client, &sandbox).await {
        *times.entry(entry["to"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(times.values().all(|count| *count == 1), "nobody gets it twice on {engine}");
    let unknown = usize::try_from(funnel["unknown"].as_i64().unwrap()).unwrap();
    let missing = RECIPIENTS - times.len();
    assert!(missing <= unknown, "{missing} got nothing, but only {unknown} are shown as unknown on {engine}");
    assert!(unknown <= WINDOW * KILLS, "{unknown} unknown after {KILLS} kills with a window of {WINDOW} on {engine}");
    println!("{engine}: {RECIPIENTS} recipients, {KILLS} kills, {} sent, {unknown} unknown, none twice", times.len());
    drop(server);
    sandbox.shutdown().await;
}

/// Applies the demo's workspace with the command line, as an operator would.
fn set_up(directory: &Path, database: Option<&str>, sandbox: &Sandbox) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    let text = std::fs::read_to_string(demo.join("workspace.yaml")).unwrap().replace("slug: demo", "slug: main");
    let file = directory.join("workspace.yaml");
    std::fs::write(&file, text).unwrap();
    std::fs::create_dir_all(directory.join("flows")).unwrap();
    std::fs::copy(demo.join("flows/welcome.yaml"), directory.join("flows/welcome.yaml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command
        .args(["apply", "--yes", "--json", "--file"])
        .arg(&file)
        .env("SEGUE_DATA_DIRECTORY", directory)
        .env("DEMO_PASSWORD", "a password for tests")
        .env("DEMO_GRAPH_URL", &sandbox.graph_base_url)
        .env("DEMO_SMPP_HOST", sandbox.smpp_addr.ip().to_string())
        .env("DEMO_SMPP_PORT", sandbox.smpp_addr.port().to_string());
    if let Some(url) = database {
        command.env("SEGUE_DATABASE_URL", url);
    }
    for expected in ["workspace main", "[]"] {
        let output = command.output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains(expected), "the second time nothing changes: {shown}");
    }
    let contacts = directory.join("contacts.csv");
    let mut csv = "phone,first_name\n".to_owned();
    for number in 0..RECIPIENTS {
        csv.push_str(&format!("+1555020{number:04},Customer\n"));
    }
    std::fs::write(&contacts, csv).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command
        .args(["import", "contacts", "--list", "Everyone", "--consent-wording", "Yes, text me offers."])
        .args(["--consent-method", "web_form", "--json"])
        .arg(&contacts)
        .env("SEGUE_DATA_DIRECTORY", directory);
    if let Some(url) = database {
        command.env("SEGUE_DATABASE_URL", url);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn start_campaign(client: &reqwest::Client, url: &str) -> String {
    let status = get(client, &format!("{url}/api/v1/setup-status")).await;
    let input = json!({
        "name": "June offer",
        "sender_id": status["senders"][0]["id"],
        "audience": { "list_id": null, "filter": null },
        "body": "June offer: 20% off tents.",
        "footer": "none",
        "whatsapp_channel_id": null,
        "prefilled_text": "",
    });
    let campaign = post(client, &format!("{url}/api/v1/campaigns"), &input).await["id"].as_str().unwrap().to_owned();
    post(client, &format!("{url}/api/v1/campaigns/{campaign}/start"), &json!({})).await;
    campaign
}

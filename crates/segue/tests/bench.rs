//! `segue bench webhooks` on both engines: every message that was acknowledged is in the inbox once and in a conversation
//! once, however often it came.

use std::process::Command;

use serde_json::Value;

const MESSAGES: u64 = 200;
/// Each hundredth message is delivered twice.
const REPEATED: u64 = 2;

fn figures(database: Option<&str>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segue"));
    command.args(["bench", "webhooks", "--messages", "200", "--customers", "20", "--connections", "8", "--json"]);
    command.args(["--stored", "1000"]);
    if let Some(url) = database {
        command.args(["--database", url]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    serde_json::from_str(&text).unwrap()
}

fn check(figures: &Value) {
    for (name, wanted) in
        [("messages", MESSAGES), ("stored", MESSAGES), ("processed", MESSAGES), ("duplicates", REPEATED), ("dead", 0)]
    {
        assert_eq!(figures[name], wanted, "{name} in {figures}");
    }
    assert_eq!(figures["stored_before"], 1_000);
    for name in [
        "page_p50_ms",
        "page_p99_ms",
        "search_p50_ms",
        "search_p99_ms",
        "acks_per_s",
        "ack_p50_ms",
        "ack_p99_ms",
        "processed_s",
        "cpu_us_per_message",
        "peak_rss_mb",
    ] {
        assert!(figures[name].as_f64().unwrap() > 0.0, "{name} in {figures}");
    }
}

#[test]
fn what_is_acknowledged_is_in_a_conversation_once() {
    check(&figures(None));
    if let Some(url) = segue_testkit::postgres_database() {
        check(&figures(Some(&url)));
    }
}

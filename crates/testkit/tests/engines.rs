//! The ground the other tests stand on.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use segue_model::consent::{ConsentState, Medium, Purpose};
use segue_store::StoreError;
use segue_testkit::{Cluster, engines};

#[tokio::test]
async fn each_call_gives_fresh_databases_with_one_workspace() {
    for round in 0..2 {
        for test in engines().await {
            let workspaces = test.store.read::<_, StoreError, _>(|tx| tx.workspaces()).await.unwrap();
            assert_eq!(workspaces, std::slice::from_ref(&test.workspace), "{} {round}", test.engine);
            let channel = test.sms_channel("carrier").await;
            test.sender(channel.id, "+15550100").await;
            test.contact("+15550101", "Ann").await;
            test.set_consent(Medium::Sms, "+15550101", Purpose::Marketing, ConsentState::Granted).await;
            let again = test.open_again().await;
            let seen = again.read::<_, StoreError, _>(|tx| tx.all_channels()).await.unwrap();
            assert_eq!(seen, [channel], "{}", test.engine);
            again.close();
        }
    }
}

/// Set in the process that the test below starts.
const HOLD: &str = "SEGUE_TEST_HOLD_CLUSTER";

/// What that process does: it holds a cluster until it is killed.
fn hold_a_cluster() {
    if let Ok(cluster) = Cluster::shared() {
        println!("DIRECTORY {}", cluster.url("postgres"));
    } else {
        println!("DIRECTORY none");
    }
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_cluster_ends_and_its_files_go_when_its_process_is_killed() {
    if std::env::var_os(HOLD).is_some() {
        return hold_a_cluster();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_cluster_ends_and_its_files_go_when_its_process_is_killed", "--nocapture"])
        .env(HOLD, "yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.contains("DIRECTORY")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let Some(directory) = line.split_whitespace().find_map(|word| word.strip_prefix("host=")) else {
        return; // No PostgreSQL here; the tests that need it say so.
    };
    let began = Instant::now();
    while Path::new(directory).exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "the cluster outlived its process");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_cluster_ends_also_when_its_process_is_killed_before_it_has_begun() {
    if Cluster::shared().is_err() {
        return; // No PostgreSQL here; the tests that need it say so.
    }
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_cluster_ends_and_its_files_go_when_its_process_is_killed", "--nocapture"])
            .env(HOLD, "yes")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let directory = std::env::temp_dir().join(format!("segue-pg-{}-shared", child.id()));
        let wait = |exists: bool| {
            let began = Instant::now();
            while directory.exists() != exists {
                assert!(began.elapsed() < Duration::from_secs(60), "exists: {}", !exists);
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        wait(true);
        child.kill().unwrap();
        child.wait().unwrap();
        wait(false);
    }
}

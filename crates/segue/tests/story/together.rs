//! Several nodes that start at the same moment on a database in which there is nothing yet.

use segue::{config::Config, server::Server};
use segue_model::{Ctx, ManualClock};
use segue_testkit::NOON;

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_start_at_once_on_an_empty_database() {
    segue::install_crypto();
    for with_admin in [true, false] {
        let Some(url) = tokio::task::spawn_blocking(segue_testkit::postgres_database).await.unwrap() else { return };
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let clock = ManualClock::at(NOON);
        let start = |number: usize| {
            let config = Config {
                listen: "127.0.0.1:0".parse().unwrap(),
                data_directory: directories[number].path().to_path_buf(),
                database_url: Some(url.clone().into()),
                admin_email: with_admin.then(|| "root@acme.example".to_owned()),
                admin_password: with_admin.then(|| "a password for tests".to_owned().into()),
                ..Config::default()
            };
            // Each node has chance of its own.
            Server::start(config, Ctx::seeded(clock.clone(), 70 + number as u64))
        };
        let (first, second) = tokio::join!(tokio::spawn(start(0)), tokio::spawn(start(1)));
        let nodes = [first.unwrap().unwrap(), second.unwrap().unwrap()];
        for node in &nodes {
            assert_eq!(node.setup_token().is_none(), with_admin);
        }
        let users = nodes[0].store().read::<_, segue_store::StoreError, _>(|tx| tx.count_users()).await.unwrap();
        assert_eq!(users, i64::from(with_admin));
        for node in nodes {
            node.shutdown().await;
        }
    }
}

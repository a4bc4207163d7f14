//! What customers are shown of being attended to.

use segue_desk::{sessions, shown};
use segue_model::actor::Actor;
use segue_store::{
    Sql,
    shown::{SHOW_CUSTOMER, ShowCustomer, Shown},
};
use segue_testkit::engines;

use crate::scene::*;

static ASKED: Sql =
    Sql::portable("ASKED", "SELECT payload FROM jobs WHERE workspace_id = $1 AND kind = $2 ORDER BY run_at, id");

/// What delivery is asked to show, in order.
async fn asked(scene: &Scene) -> Vec<Shown> {
    let workspace_id = scene.workspace();
    let jobs = write(scene.store(), move |tx| {
        tx.query(&ASKED, &[&workspace_id, &SHOW_CUSTOMER], |row| row.json::<ShowCustomer>())
    })
    .await;
    jobs.into_iter().map(|job| job.shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_shown_once_that_each_message_was_read_by_its_agent() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        let read = async |actor: &Actor| {
            sessions::read(scene.store(), scene.ctx(), scene.workspace(), actor, id).await.unwrap();
        };
        read(&kim).await;
        assert!(asked(&scene).await.is_empty(), "{}: read by somebody else", scene.test.engine);
        read(&sam).await;
        read(&sam).await;
        assert_eq!(asked(&scene).await, [Shown::Read], "{}", scene.test.engine);
        scene.advance(1_000);
        scene.receive(ana("wamid.2", scene.test.now(), "Hello?")).await;
        scene.reply(&sam, id, "tab-1", "Hi Ana").await.unwrap();
        assert_eq!(asked(&scene).await, [Shown::Read; 2], "{}: who answers has read it", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_shown_every_twenty_seconds_at_most_that_their_agent_writes() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let id = scene.accepted(&sam).await.id;
        let typing =
            async |actor: &Actor| shown::typing(scene.store(), scene.ctx(), scene.workspace(), actor, id).await;
        assert_eq!(typing(&kim).await.unwrap_err().code(), "not_owner");
        for _ in 0..4 {
            typing(&sam).await.unwrap();
        }
        assert_eq!(asked(&scene).await, [Shown::Typing], "{}", scene.test.engine);
        scene.advance(20_000);
        typing(&sam).await.unwrap();
        assert_eq!(asked(&scene).await, [Shown::Typing; 2], "{}", scene.test.engine);
        scene.advance(86_400_000);
        typing(&sam).await.unwrap();
        assert_eq!(asked(&scene).await.len(), 2, "{}: the window is closed", scene.test.engine);
    }
}

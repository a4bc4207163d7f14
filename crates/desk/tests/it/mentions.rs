//! Colleagues who are spoken to in notes.

use segue_desk::{
    DeskError,
    mentions::{self, MentionView},
    messages::{Draft, NewReply, send},
};
use segue_model::{SessionId, actor::Actor, role::Role};
use segue_store::{
    Sql,
    message::{MessageView, NoteMention},
};
use segue_testkit::engines;

use crate::scene::*;

/// Who is told of mentions, and the event's data.
static TOLD: Sql = Sql::portable(
    "TOLD",
    "SELECT data FROM events WHERE workspace_id = $1 AND kind = 'mention.created' AND audience IS NOT NULL ORDER BY seq",
);

async fn note(scene: &Scene, actor: &Actor, id: SessionId, text: &str) -> Result<MessageView, DeskError> {
    let client_id = scene.ctx().uuid().to_string();
    let reply = NewReply { client_id, draft: Draft::Note { text: text.to_owned() }, seen_seq: None };
    send(scene.store(), scene.ctx(), scene.workspace(), actor, id, reply).await
}

async fn list(scene: &Scene, actor: &Actor) -> Vec<MentionView> {
    mentions::list(scene.store(), scene.workspace(), actor, false, None, 50).await.unwrap().data
}

fn call(actor: &Actor) -> String {
    format!("<@{}>", actor.user_id().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_is_kept_by_id_told_to_its_colleague_alone_and_read() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let sam = scene.agent("Sam").await;
        let (boss, vera) = (scene.user("Zoë", Role::Supervisor).await, scene.user("Vera", Role::Admin).await);
        let id = scene.accepted(&sam).await.id;
        let text = format!("é {} and {}: may I refund? {}", call(&boss), call(&sam), call(&boss));
        let written = note(&scene, &sam, id, &text).await.unwrap();
        assert_eq!(written.text, "é @Zoë and @Sam: may I refund? @Zoë", "people read names");
        let place = |actor: &Actor, start| NoteMention { user_id: actor.user_id().unwrap(), start, length: 4 };
        assert_eq!(written.mentions, [place(&boss, 2), place(&sam, 11), place(&boss, 31)], "{}", scene.test.engine);
        let told = scene.texts(&TOLD).await;
        assert_eq!(told.len(), 1, "once for each colleague, and not the author: {told:?}");
        assert!(told[0].contains("\"unread_count\":1") && !told[0].contains("refund"), "{}", told[0]);
        let of_boss = list(&scene, &boss).await;
        assert_eq!(of_boss.len(), 1);
        assert_eq!((of_boss[0].message_id, of_boss[0].author.as_deref()), (written.id, Some("Sam")));
        let about = of_boss[0].about.clone().unwrap();
        assert_eq!((about.customer.as_str(), about.excerpt.as_str()), ("Ana Lopez", written.text.as_str()));
        assert_eq!((list(&scene, &sam).await, list(&scene, &vera).await), (Vec::new(), Vec::new()));

        let read = async |actor: &Actor, one| {
            let user_id = actor.user_id().unwrap();
            mentions::mark_read(scene.store(), scene.ctx(), scene.workspace(), user_id, one).await
        };
        assert_eq!(read(&vera, Some(of_boss[0].id)).await.unwrap_err().code(), "not_found", "it is Zoë's");
        note(&scene, &sam, id, &format!("{} ping", call(&boss))).await.unwrap();
        assert_eq!(read(&boss, Some(of_boss[0].id)).await.unwrap(), 1);
        assert_eq!(read(&boss, Some(of_boss[0].id)).await.unwrap(), 1, "again changes nothing");
        let unread = mentions::list(scene.store(), scene.workspace(), &boss, true, None, 50).await.unwrap().data;
        assert_eq!(unread.len(), 1);
        assert!(unread[0].about.as_ref().is_some_and(|about| about.excerpt == "@Zoë ping"));
        assert_eq!(read(&boss, None).await.unwrap(), 0);
        let events = scene.texts(&EVENTS).await;
        assert_eq!(events.iter().filter(|kind| *kind == "mention.read").count(), 2, "{events:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_see_the_conversation_cannot_be_called_to_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (sam, kim) = (scene.agent("Sam").await, scene.agent("Kim").await);
        let boss = scene.user("Boss", Role::Supervisor).await;
        let marketer = scene.user("Mara", Role::Marketer).await;
        let id = scene.accepted(&sam).await.id;
        let all = mentions::colleagues(scene.store(), scene.workspace(), id).await.unwrap();
        let names: Vec<_> = all.iter().map(|user| (user.name.as_str(), user.can_see)).collect();
        assert_eq!(names, [("Boss", true), ("Sam", true), ("Kim", false), ("Mara", false)]);
        let before = scene.transcript(id).await.len();
        for (hidden, name) in [(&kim, "Kim"), (&marketer, "Mara")] {
            let refused = note(&scene, &sam, id, &format!("{} look", call(hidden))).await.unwrap_err();
            assert_eq!(refused.code(), "mention_hidden");
            assert!(refused.to_string().contains(name), "{refused}");
        }
        let nobody = format!("<@{}> look", segue_model::UserId(uuid::Uuid::from_u128(9)));
        assert_eq!(note(&scene, &sam, id, &nobody).await.unwrap_err().code(), "invalid_field");
        assert_eq!(scene.transcript(id).await.len(), before, "nothing was written");

        // Kim gets the conversation, is called, and loses it again.
        scene.available(&kim).await;
        let to = |actor: &Actor| segue_desk::routing::Target::User(actor.user_id().unwrap());
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::routing::transfer(store, ctx, workspace, &sam, id, to(&kim)).await.unwrap();
        note(&scene, &boss, id, &format!("{} look", call(&kim))).await.unwrap();
        assert!(list(&scene, &kim).await[0].about.is_some());
        segue_desk::routing::transfer(store, ctx, workspace, &kim, id, to(&sam)).await.unwrap();
        let of_kim = list(&scene, &kim).await;
        assert_eq!(of_kim.len(), 1, "that there was one is known");
        assert_eq!(of_kim[0].about, None, "its words are none of Kim's business now: {}", scene.test.engine);
    }
}

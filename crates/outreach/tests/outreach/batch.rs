//! Batches: one text to many, made one chunk after the other.

use segue_outreach::direct::{DirectClass, SenderChoice, batch};
use serde_json::json;

use crate::world::worlds;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_before_their_turn_gets_nothing() {
    for world in worlds().await {
        let (store, ctx, ws, now) = (&world.test.store, &world.test.ctx, world.ws(), world.test.now());
        let ann = world.test.contact("+12125550001", "Ann").await;
        world.test.contact("+12125550002", "Ben").await;
        let recipient = |phone: &str| batch::Recipient {
            phone: phone.to_owned(),
            fields: [("first_name".to_owned(), "dear".to_owned())].into(),
            client_reference: None,
        };
        let many = batch::BatchInput {
            sender: SenderChoice::Id(world.sender.id),
            body: "Hi {{ first_name }}".to_owned(),
            class: DirectClass::Service,
            expires_at: None,
            recipients: batch::Recipients::Given(vec![recipient("+12125550001"), recipient("+12125550002")]),
        };
        let begun = batch::begin(store, ctx, ws, "test", None, many).await.unwrap();
        assert!(world.write(move |tx| tx.delete_contact(ws, ann, now)).await);
        batch::run(store, ctx, ws, &json!({ "batch_id": begun.id })).await.unwrap();
        let sent: Vec<String> = world.messages().await.into_iter().map(|message| message.address).collect();
        assert_eq!(sent, ["+12125550002"], "{}", world.test.engine);
        let shown = batch::messages(store, ws, begun.id, 0, 10).await.unwrap();
        assert_eq!(shown[0].rule.as_deref(), Some("contact_deleted"), "{}", world.test.engine);
        assert!(shown[0].reason.as_deref().is_some_and(|reason| reason.contains("deleted")));
        // What was made, or made for somebody else, is none of it.
        assert_eq!((shown[1].rule.as_deref(), shown[1].text.as_deref()), (None, Some("Hi dear")));
    }
}

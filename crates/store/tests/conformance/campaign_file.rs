//! Files of campaigns: which stay, and what they are called at the provider.

use segue_model::{MediaId, time};
use segue_store::{channel_file::FileAt, media::NewMedia};
use segue_testkit::{TestStore, engines};

use super::write;

static END: segue_store::Sql =
    segue_store::Sql::portable("END", "UPDATE campaigns SET state = 'finished' WHERE workspace_id = $1 AND id = $2");

async fn upload(test: &TestStore) -> MediaId {
    let media = NewMedia { id: test.ctx.id(), mime: "image/png".to_owned(), file_name: None, data: vec![7; 10] };
    let (workspace_id, now, id) = (test.workspace_id(), test.now(), media.id);
    write(test, move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_until_the_last_campaign_that_needs_it_has_ended() {
    for test in engines().await {
        let test = &test;
        let channel = test.sms_channel("sms").await;
        let sender = test.sender(channel.id, "+15550100").await.id;
        let (ws, file) = (test.workspace_id(), upload(test).await);
        let campaigns = [
            crate::outbox::campaign(test, sender, 1, "running").await,
            crate::outbox::campaign(test, sender, 2, "draft").await,
        ];
        for id in campaigns {
            for _ in 0..2 {
                assert!(write(test, move |tx| tx.keep_campaign_file(ws, id, file)).await, "twice is harmless");
            }
        }
        let removed = async || {
            test.clock.advance(time::DAY);
            let now = test.now();
            write(test, move |tx| tx.remove_unsent_uploads(ws, now, 9, now)).await.1
        };
        assert_eq!(removed().await, 0, "{}", test.engine);
        write(test, move |tx| tx.execute(&END, &[&ws, &campaigns[0]])).await;
        assert_eq!(removed().await, 0, "{}: the draft needs it", test.engine);
        assert!(write(test, move |tx| tx.delete_draft(ws, campaigns[1])).await);
        assert_eq!(removed().await, 1, "{}", test.engine);
        assert!(!write(test, move |tx| tx.keep_campaign_file(ws, campaigns[0], file)).await, "it is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_id_of_a_file_is_good_for_its_number_and_its_time_and_goes_with_the_bytes() {
    for test in engines().await {
        let test = &test;
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let (ws, media_id, channel_id) = (test.workspace_id(), upload(test).await, channel.id);
        let at = move |number: &'static str| FileAt { media_id, channel_id, number };
        let known = async |number: &'static str| {
            let now = test.now();
            write(test, move |tx| tx.channel_file(ws, at(number), now)).await.map(|(id, _)| id)
        };
        let put = async |number: &'static str, id: &'static str| {
            let now = test.now();
            write(test, move |tx| tx.put_channel_file(ws, at(number), id, now)).await;
        };
        assert_eq!(known("1").await, None);
        put("1", "one").await;
        assert_eq!(known("1").await.as_deref(), Some("one"), "{}", test.engine);
        assert_eq!(known("2").await, None, "{}: ids are good for one number", test.engine);
        test.clock.advance(28 * time::DAY);
        assert_eq!(known("1").await, None, "{}: WhatsApp keeps files for 30 days", test.engine);
        put("1", "two").await;
        write(test, move |tx| tx.drop_channel_file(ws, (media_id, channel_id), "one")).await;
        assert_eq!(known("1").await.as_deref(), Some("two"), "{}: another one is noted already", test.engine);
        write(test, move |tx| tx.drop_channel_file(ws, (media_id, channel_id), "two")).await;
        assert_eq!(known("1").await, None);
        put("1", "three").await;
        write(test, move |tx| tx.empty_media(ws, media_id, "gone")).await;
        assert_eq!(known("1").await, None, "{}", test.engine);
        put("1", "four").await;
        assert_eq!(known("1").await, None, "{}: nothing is noted of a file without bytes", test.engine);
    }
}

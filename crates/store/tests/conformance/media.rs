//! Files: uploaded at once, received ones later.

use segue_store::media::{FETCH_MEDIA, FilePresence, NewMedia, RemoteMedia, fingerprint};
use segue_testkit::engines;

use super::write;

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_is_there_with_its_fingerprint() {
    for test in engines().await {
        let media = NewMedia {
            id: test.ctx.id(),
            mime: "image/png".to_owned(),
            file_name: Some("cat.png".to_owned()),
            data: vec![7; 100_000],
        };
        let (workspace_id, now, id) = (test.workspace_id(), test.now(), media.id);
        let row = media.clone();
        write(&test, move |tx| tx.insert_media(workspace_id, &row, now)).await;
        let found = write(&test, move |tx| tx.media(workspace_id, id)).await.unwrap();
        assert_eq!((found.presence, found.size), (FilePresence::Stored, 100_000), "{}", test.engine);
        assert_eq!(found.sha256, fingerprint(&media.data));
        assert_eq!(write(&test, move |tx| tx.media_data(workspace_id, id)).await, Some(media.data));
        let stranger = test.ctx.id();
        assert_eq!(write(&test, move |tx| tx.media(stranger, id)).await, None, "of another workspace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_file_is_pending_with_a_job_until_it_is_stored_once() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let media = RemoteMedia {
            id: test.ctx.id(),
            channel_id: channel.id,
            provider_id: "1234".to_owned(),
            mime: "image/jpeg".to_owned(),
            file_name: None,
            sha256: fingerprint(b"cat"),
        };
        let (workspace_id, ctx, id) = (test.workspace_id(), test.ctx.clone(), media.id);
        write(&test, move |tx| tx.insert_remote_media(workspace_id, &media, &ctx)).await;
        let ctx = test.ctx.clone();
        let job = write(&test, move |tx| tx.claim_jobs("a", 9, ctx.now().plus(1_000), &ctx)).await.pop().unwrap();
        assert_eq!((job.kind.as_str(), job.payload["media_id"].as_str()), (FETCH_MEDIA, Some(id.to_string().as_str())));
        let presence = |expected| {
            let test = &test;
            async move {
                let found = write(test, move |tx| tx.media(workspace_id, id)).await.unwrap();
                assert_eq!(found.presence, expected, "{}", test.engine);
            }
        };
        presence(FilePresence::Pending).await;
        assert_eq!(write(&test, move |tx| tx.media_data(workspace_id, id)).await, None);
        write(&test, move |tx| tx.fail_media(workspace_id, id, "too slow")).await;
        presence(FilePresence::Failed).await;
        assert!(write(&test, move |tx| tx.store_media(workspace_id, id, "image/webp", b"cat")).await);
        assert!(!write(&test, move |tx| tx.store_media(workspace_id, id, "image/webp", b"dog")).await);
        presence(FilePresence::Stored).await;
        assert_eq!(write(&test, move |tx| tx.media_data(workspace_id, id)).await, Some(b"cat".to_vec()));
    }
}

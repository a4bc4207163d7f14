//! Files in a bucket: where their bytes go, what a crash leaves behind, and what is told when the bucket fails.

use futures::TryStreamExt as _;
use segue_channels::bucket::{Addressing, Bucket, BucketConfig};
use segue_delivery::{Files, FilesError, fetch_media};
use segue_model::{ChannelId, MediaId, WorkspaceId, time};
use segue_store::{
    Sql, StoreError,
    media::{FilePresence, NewMedia, RemoteMedia, StoredObject, fingerprint},
};
use segue_testkit::{
    TestStore,
    bucket::{ACCESS_KEY, BUCKET, BucketServer, REGION, SECRET_KEY},
    engines,
};

use crate::bench::benches;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

static STRAYS: Sql =
    Sql::portable("STRAYS", "SELECT object FROM stray_objects WHERE workspace_id = $1 ORDER BY object");

fn bucket(server: &BucketServer) -> Bucket {
    let config = BucketConfig {
        endpoint: server.endpoint.clone(),
        name: BUCKET.to_owned(),
        region: REGION.to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        addressing: Addressing::Path,
    };
    Bucket::new(&config).unwrap()
}

pub fn files(test: &TestStore, server: &BucketServer) -> Files {
    Files::in_bucket(test.store.clone(), test.ctx.clone(), bucket(server))
}

fn picture(test: &TestStore) -> NewMedia {
    NewMedia {
        id: test.ctx.id(),
        mime: "image/png".to_owned(),
        file_name: Some("a.png".to_owned()),
        data: PNG.to_vec(),
    }
}

async fn strays(test: &TestStore) -> Vec<String> {
    let workspace_id = test.workspace_id();
    let read = test.store.read::<_, StoreError, _>(move |tx| tx.query(&STRAYS, &[&workspace_id], |row| row.next()));
    read.await.unwrap()
}

async fn presence(test: &TestStore, id: MediaId) -> Option<FilePresence> {
    let workspace_id = test.workspace_id();
    let read = test.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id));
    read.await.unwrap().map(|media| media.presence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_to_the_bucket_and_comes_back_whole_and_in_parts() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let files = files(&test, &server);
        let media = picture(&test);
        let id = media.id;
        files.add(workspace_id, media).await.unwrap();
        let [key] = server.keys().try_into().unwrap();
        assert!(key.starts_with(&format!("{workspace_id}/{id}/")), "{key}");
        assert_eq!(server.content(&key).unwrap(), PNG, "{}", test.engine);
        assert!(strays(&test).await.is_empty(), "the row speaks of it");
        let (stored, data) = files.read(workspace_id, id).await.unwrap().unwrap();
        assert_eq!((data.as_slice(), stored.size, stored.object), (PNG, PNG.len() as u64, Some(key.clone())));
        let in_row = test.store.read::<_, StoreError, _>(move |tx| tx.media_data(workspace_id, id)).await.unwrap();
        assert_eq!(in_row, None, "not in the database as well");
        let (stored, _) = files.read(workspace_id, id).await.unwrap().unwrap();
        for (from, length) in [(0, 8), (8, 3), (0, PNG.len() as u64), (0, 0)] {
            let stream = files.part(workspace_id, &stored, from, length).await.unwrap().unwrap();
            let part: Vec<u8> = stream.map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap();
            assert_eq!(part, PNG[from as usize..(from + length) as usize], "{from}+{length}");
        }
        assert_eq!(server.badly_signed(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_the_bucket_is_not_given_out_as_the_file() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let files = files(&test, &server);
        let media = picture(&test);
        let id = media.id;
        files.add(workspace_id, media).await.unwrap();
        server.replace(&server.keys()[0], b"<html>");
        assert!(matches!(files.read(workspace_id, id).await, Err(FilesError::Changed)));
        let without = Files::in_database(test.store.clone(), test.ctx.clone());
        assert!(matches!(without.read(workspace_id, id).await, Err(FilesError::NotConfigured)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_time_before_the_bucket_stay_readable() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let media = picture(&test);
        let id = media.id;
        Files::in_database(test.store.clone(), test.ctx.clone()).add(workspace_id, media).await.unwrap();
        let (_, data) = files(&test, &server).read(workspace_id, id).await.unwrap().unwrap();
        assert_eq!((data.as_slice(), server.keys().len()), (PNG, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_without_a_row_is_removed_and_one_with_a_row_is_not() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let files = files(&test, &server);
        let kept = picture(&test);
        files.add(workspace_id, kept).await.unwrap();
        let kept = server.keys();
        // A crash after the object was written and before its row was.
        let due = test.now().plus(time::HOUR);
        let announced = test.store.write::<_, StoreError, _>(move |tx| tx.announce_object(workspace_id, "left", due));
        announced.await.unwrap();
        bucket(&server).put("left", "image/png", PNG.into(), test.now()).await.unwrap();
        assert_eq!(files.remove_strays().await.unwrap(), 0, "it may still be written");
        test.clock.advance(time::HOUR);
        server.refuse(1);
        assert!(files.remove_strays().await.is_err(), "the bucket is away");
        assert_eq!(strays(&test).await, ["left"], "{}: so it is known still", test.engine);
        assert_eq!(files.remove_strays().await.unwrap(), 1);
        assert_eq!((server.keys(), strays(&test).await.len()), (kept, 0), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_removed_keeps_no_other_there() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let files = files(&test, &server);
        for (key, due) in [("first", 0), ("second", 1)] {
            let announced = test.store.write::<_, StoreError, _>(move |tx| {
                tx.announce_object(workspace_id, key, segue_model::Timestamp(due))
            });
            announced.await.unwrap();
            bucket(&server).put(key, "image/png", PNG.into(), test.now()).await.unwrap();
        }
        server.refuse(1);
        assert!(files.remove_strays().await.is_err(), "the first one stays");
        assert_eq!((strays(&test).await, server.keys()), (vec!["first".to_owned()], vec!["first".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_deleted_while_it_was_fetched_does_not_come_back() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        for in_bucket in [true, false] {
            let id = remote(&test, workspace_id, channel.id, "77").await;
            let deleted = test
                .store
                .write::<_, StoreError, _>(move |tx| tx.empty_media(workspace_id, id, "The customer deleted it."));
            deleted.await.unwrap();
            let files = match in_bucket {
                true => files(&test, &server),
                false => Files::in_database(test.store.clone(), test.ctx.clone()),
            };
            assert!(matches!(files.keep(workspace_id, id, "image/png", PNG.to_vec()).await, Err(FilesError::TooSlow)));
            assert_ne!(presence(&test, id).await, Some(FilePresence::Stored), "{} {in_bucket}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slower_than_the_removal_writes_no_row() {
    for test in engines().await {
        let (workspace_id, now, id) = (test.workspace_id(), test.now(), test.ctx.id::<MediaId>());
        let object = StoredObject { key: "slow".to_owned(), size: 1, sha256: fingerprint(b"x") };
        let written = test.store.write::<_, StoreError, _>(move |tx| {
            tx.announce_object(workspace_id, "slow", now)?;
            assert_eq!(tx.take_stray_objects(workspace_id, now, 10)?, ["slow"]);
            tx.insert_media_at(workspace_id, (id, "image/png", None), &object, now)
        });
        assert!(!written.await.unwrap(), "{}", test.engine);
        assert_eq!(presence(&test, id).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_takes_nothing_and_says_so() {
    for test in engines().await {
        let (server, workspace_id) = (BucketServer::start().await, test.workspace_id());
        let files = files(&test, &server);
        server.refuse(1);
        let media = picture(&test);
        let id = media.id;
        assert!(matches!(files.add(workspace_id, media).await, Err(FilesError::Bucket(_))));
        assert_eq!((presence(&test, id).await, strays(&test).await.len()), (None, 1), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_over_is_looked_up_once_more_and_then_told() {
    use segue_channels::whatsapp::{GraphClient, GraphConfig};
    for bench in benches().await {
        let (test, server) = (&bench.test, BucketServer::start().await);
        let (files, workspace_id) = (files(test, &server), test.workspace_id());
        let channel = bench.whatsapp().await;
        let mut config = GraphConfig::new("v26.0", "sandbox-token", "106540352242922", "102290129340398");
        config.base_url.clone_from(&bench.sandbox.graph_base_url);
        let uploaded = GraphClient::new(config).unwrap().upload_media("image/png", "a.png", PNG.to_vec()).await;
        let provider_id = uploaded.unwrap();
        let once = remote(test, workspace_id, channel.id, &provider_id).await;
        bench.faults(serde_json::json!({"media_urls_expired": 1})).await;
        fetch_media(&files, workspace_id, once).await.unwrap();
        assert_eq!(presence(test, once).await, Some(FilePresence::Stored), "{}", test.engine);
        assert_eq!(server.content(&server.keys()[0]).unwrap(), PNG, "received files go to the bucket, too");

        let twice = remote(test, workspace_id, channel.id, &provider_id).await;
        bench.faults(serde_json::json!({"media_urls_expired": 2})).await;
        let refused = fetch_media(&files, workspace_id, twice).await.unwrap_err();
        assert!(refused.to_string().contains("expired"), "{refused}");
        assert_eq!(presence(test, twice).await, Some(FilePresence::Failed), "{}", test.engine);
        let ctx = test.ctx.clone();
        let wanted = test.store.write::<_, StoreError, _>(move |tx| tx.want_media(workspace_id, twice, &ctx));
        assert!(wanted.await.unwrap(), "an agent asks again");
        assert_eq!(presence(test, twice).await, Some(FilePresence::Pending));
        fetch_media(&files, workspace_id, twice).await.unwrap();
        assert_eq!(presence(test, twice).await, Some(FilePresence::Stored));
    }
}

async fn remote(test: &TestStore, workspace_id: WorkspaceId, channel_id: ChannelId, provider_id: &str) -> MediaId {
    let media = RemoteMedia {
        id: test.ctx.id(),
        channel_id,
        provider_id: provider_id.to_owned(),
        // What the provider says counts for nothing.
        mime: "text/html".to_owned(),
        file_name: None,
        sha256: fingerprint(PNG),
    };
    let (ctx, id) = (test.ctx.clone(), media.id);
    let noted = test.store.write::<_, StoreError, _>(move |tx| tx.insert_remote_media(workspace_id, &media, &ctx));
    noted.await.unwrap();
    id
}

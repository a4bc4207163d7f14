//! Files and viruses: what is refused, what stays closed, and what is told when the checker fails.

use segue_channels::clamd::{Clamd, ClamdError, Scan};
use segue_delivery::{Files, FilesError};
use segue_model::{ChannelId, MediaId, WorkspaceId};
use segue_store::{
    StoreError,
    inbox::MOST_ATTEMPTS,
    job::Job,
    media::{CHECK_MEDIA, FilePresence, Media, NewMedia, RemoteMedia},
};
use segue_testkit::{
    Port, TestStore,
    bucket::BucketServer,
    clamd::{FakeClamd, Manner, RealClamd, eicar},
    engines,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

fn at(address: &str) -> Clamd {
    Clamd::at(address).unwrap()
}

async fn stored(test: &TestStore, id: MediaId) -> Option<Media> {
    let workspace_id = test.workspace_id();
    test.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await.unwrap()
}

async fn presence(test: &TestStore, id: MediaId) -> FilePresence {
    stored(test, id).await.unwrap().presence
}

fn upload(test: &TestStore, data: &[u8]) -> NewMedia {
    NewMedia { id: test.ctx.id(), mime: "application/pdf".to_owned(), file_name: None, data: data.to_vec() }
}

/// A received file whose bytes have come.
async fn received(test: &TestStore, files: &Files, channel_id: ChannelId, data: &[u8]) -> MediaId {
    let (workspace_id, ctx) = (test.workspace_id(), test.ctx.clone());
    let media = RemoteMedia {
        id: test.ctx.id(),
        channel_id,
        provider_id: "1".to_owned(),
        mime: "application/pdf".to_owned(),
        file_name: None,
        sha256: Vec::new(),
    };
    let id = media.id;
    let noted = test.store.write::<_, StoreError, _>(move |tx| tx.insert_remote_media(workspace_id, &media, &ctx));
    noted.await.unwrap();
    files.keep(workspace_id, id, "application/pdf", data.to_vec()).await.unwrap();
    id
}

/// The checks that are planned and due.
async fn checks(test: &TestStore) -> Vec<Job> {
    let ctx = test.ctx.clone();
    let claimed = test.store.write::<_, StoreError, _>(move |tx| {
        let due = ctx.now().plus(1);
        tx.claim_jobs("one", 50, due, &ctx)
    });
    claimed.await.unwrap().into_iter().filter(|job| job.kind == CHECK_MEDIA).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_checker_finds_what_it_knows_and_says_what_is_too_large() {
    let Some(real) = RealClamd::start().await else { return };
    let clamd = at(&real.address);
    assert!(clamd.version().await.unwrap().starts_with("ClamAV "));
    assert_eq!(clamd.scan(b"nothing").await, Ok(Scan::Clean));
    assert_eq!(clamd.scan(&[b'a'; 900_000]).await, Ok(Scan::Clean), "several chunks");
    let Ok(Scan::Infected(found)) = clamd.scan(&eicar()).await else { panic!("it was not found") };
    assert!(found.starts_with("Segue.Test"), "{found}");
    let inside = [b"%PDF-1.4\n".as_slice(), &eicar()].concat();
    assert!(matches!(clamd.scan(&inside).await, Ok(Scan::Infected(_))));
    assert_eq!(clamd.scan(&vec![b'a'; 3 << 20]).await, Err(ClamdError::TooLarge));
    for test in engines().await {
        let files = Files::in_database(test.store.clone(), test.ctx.clone()).checked_by(Some(clamd.clone()));
        let refused = files.add(test.workspace_id(), upload(&test, &inside)).await;
        assert!(matches!(refused, Err(FilesError::Infected(_))), "{} {refused:?}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_taken_only_when_it_was_found_clean() {
    for test in engines().await {
        let (fake, workspace_id, engine) = (FakeClamd::start().await, test.workspace_id(), test.engine);
        let server = BucketServer::start().await;
        for files in [Files::in_database(test.store.clone(), test.ctx.clone()), crate::files::files(&test, &server)] {
            let files = files.checked_by(Some(at(&fake.address)));
            fake.be(Manner::Honest);
            let clean = upload(&test, PNG);
            let id = clean.id;
            files.add(workspace_id, clean).await.unwrap();
            assert_eq!(presence(&test, id).await, FilePresence::Stored, "{engine}");
            assert_eq!(fake.seen().last().unwrap(), PNG, "all of it was checked");
            assert!(files.read(workspace_id, id).await.unwrap().is_some());

            let infected = upload(&test, &eicar());
            let id = infected.id;
            let refused = files.add(workspace_id, infected).await.unwrap_err();
            assert!(refused.to_string().contains("Eicar-Test-Signature"), "{refused}");
            assert_eq!(stored(&test, id).await, None, "{engine}: nothing of it is kept");

            for manner in [
                Manner::Mute,
                Manner::Limit(4),
                Manner::Says("stream: OK, I think"),
                Manner::Says("stream: FOUND"),
                Manner::Says("COMMAND READ TIMED OUT"),
            ] {
                fake.be(manner.clone());
                let unsure = upload(&test, PNG);
                let id = unsure.id;
                let refused = files.add(workspace_id, unsure).await;
                assert!(matches!(refused, Err(FilesError::NotChecked(_))), "{engine} {manner:?} {refused:?}");
                assert_eq!(stored(&test, id).await, None);
            }
        }
        let (nowhere, port) = (Files::in_database(test.store.clone(), test.ctx.clone()), Port::reserve().unwrap());
        let nowhere = nowhere.checked_by(Some(at(&format!("127.0.0.1:{}", port.number()))));
        let refused = nowhere.add(workspace_id, upload(&test, PNG)).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be reached"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_file_stays_closed_until_it_was_found_clean() {
    for test in engines().await {
        let (fake, workspace_id, engine) = (FakeClamd::start().await, test.workspace_id(), test.engine);
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let server = BucketServer::start().await;
        for files in [Files::in_database(test.store.clone(), test.ctx.clone()), crate::files::files(&test, &server)] {
            let files = files.checked_by(Some(at(&fake.address)));
            let (good, bad) =
                (received(&test, &files, channel.id, PNG).await, received(&test, &files, channel.id, &eicar()).await);
            for id in [good, bad] {
                assert_eq!(presence(&test, id).await, FilePresence::Checking, "{engine}");
                assert!(files.read(workspace_id, id).await.unwrap().is_none(), "{engine}: nobody reads it");
                let media = stored(&test, id).await.unwrap();
                assert!(files.part(workspace_id, &media, 0, 4).await.unwrap().is_none(), "{engine}: nor a part");
            }
            let planned = checks(&test).await;
            assert_eq!(planned.len(), 2, "{engine}: planned with the bytes");
            for id in [good, bad, good, bad] {
                files.check(workspace_id, id, 1).await.unwrap();
            }
            assert_eq!(presence(&test, good).await, FilePresence::Stored, "{engine}");
            assert_eq!(files.read(workspace_id, good).await.unwrap().unwrap().1, PNG);
            let found = stored(&test, bad).await.unwrap();
            assert_eq!(found.presence, FilePresence::Infected, "{engine}");
            assert_eq!((found.size, found.object.as_deref()), (0, None), "{engine}: its bytes are gone");
            assert_eq!(found.check_detail.as_deref(), Some("Eicar-Test-Signature"));
            let data = test.store.read::<_, StoreError, _>(move |tx| tx.media_data(workspace_id, bad)).await.unwrap();
            assert_eq!(data, None);
            assert!(files.read(workspace_id, bad).await.unwrap().is_none());
            let ctx = test.ctx.clone();
            let wanted = test.store.write::<_, StoreError, _>(move |tx| tx.want_media(workspace_id, bad, &ctx));
            assert!(!wanted.await.unwrap(), "{engine}: it is not fetched again");
            assert_eq!(counts(&test, workspace_id).await, (0, 1, 0));
            forget(&test, bad).await;
        }
    }
}

/// Removes the row, so that the next round counts from zero.
async fn forget(test: &TestStore, id: MediaId) {
    static FORGET: segue_store::Sql =
        segue_store::Sql::portable("FORGET", "DELETE FROM media WHERE workspace_id = $1 AND id = $2");
    let workspace_id = test.workspace_id();
    test.store.write::<_, StoreError, _>(move |tx| tx.execute(&FORGET, &[&workspace_id, &id])).await.unwrap();
}

async fn counts(test: &TestStore, workspace_id: WorkspaceId) -> (u64, u64, u64) {
    let read = test.store.read::<_, StoreError, _>(move |tx| tx.media_check_counts(workspace_id));
    let counts = read.await.unwrap();
    (counts.checking, counts.infected, counts.unchecked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_that_is_away_keeps_files_closed_and_says_why_until_somebody_asks_again() {
    for test in engines().await {
        let (fake, workspace_id, engine) = (FakeClamd::start().await, test.workspace_id(), test.engine);
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let files = Files::in_database(test.store.clone(), test.ctx.clone()).checked_by(Some(at(&fake.address)));
        let id = received(&test, &files, channel.id, PNG).await;
        fake.be(Manner::Mute);
        for attempt in 1..MOST_ATTEMPTS {
            assert!(files.check(workspace_id, id, attempt).await.is_err(), "the job is tried again");
            assert_eq!(presence(&test, id).await, FilePresence::Checking, "{engine} {attempt}");
        }
        assert!(files.check(workspace_id, id, MOST_ATTEMPTS).await.is_err());
        assert_eq!(presence(&test, id).await, FilePresence::Unchecked, "{engine}: the last attempt");
        assert!(files.read(workspace_id, id).await.unwrap().is_none(), "{engine}: closed");
        let why = test.store.read::<_, StoreError, _>(move |tx| tx.why_not_checked(workspace_id)).await.unwrap();
        assert!(why.unwrap().contains("without an answer"), "{engine}");
        assert_eq!(counts(&test, workspace_id).await, (0, 0, 1), "{engine}");

        fake.be(Manner::Honest);
        let ctx = test.ctx.clone();
        let again = test.store.write::<_, StoreError, _>(move |tx| tx.check_all_media_again(workspace_id, 10, &ctx));
        assert_eq!(again.await.unwrap(), 1, "{engine}");
        assert_eq!(presence(&test, id).await, FilePresence::Checking);
        files.check(workspace_id, id, 1).await.unwrap();
        assert_eq!(presence(&test, id).await, FilePresence::Stored, "{engine}");

        // What is too large for the checker is not tried again by itself.
        let large = received(&test, &files, channel.id, PNG).await;
        fake.be(Manner::Limit(4));
        assert!(files.check(workspace_id, large, 1).await.is_err());
        assert_eq!(presence(&test, large).await, FilePresence::Unchecked, "{engine}");
        let why = stored(&test, large).await.unwrap().check_detail.unwrap();
        assert!(why.contains("StreamMaxLength"), "{why}");

        // Turned off meanwhile: what waits stays closed, what comes is not checked.
        let off = Files::in_database(test.store.clone(), test.ctx.clone());
        assert!(off.check(workspace_id, large, 1).await.is_err());
        assert_eq!(presence(&test, large).await, FilePresence::Checking, "{engine}");
        assert!(off.read(workspace_id, large).await.unwrap().is_none(), "{engine}");
        let unchecked = received(&test, &off, channel.id, PNG).await;
        assert_eq!(presence(&test, unchecked).await, FilePresence::Stored, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_does_not_wait_for_its_check() {
    for test in engines().await {
        let (fake, workspace_id, engine) = (FakeClamd::start().await, test.workspace_id(), test.engine);
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let files = Files::in_database(test.store.clone(), test.ctx.clone()).checked_by(Some(at(&fake.address)));
        let id = received(&test, &files, channel.id, PNG).await;
        assert_eq!(counts(&test, workspace_id).await, (1, 0, 0), "{engine}");
        let emptied =
            test.store.write::<_, StoreError, _>(move |tx| tx.empty_media(workspace_id, id, "It was removed."));
        emptied.await.unwrap();
        assert_eq!(counts(&test, workspace_id).await, (0, 0, 0), "{engine}");
        // The job that was planned for it comes by.
        let _ = files.check(workspace_id, id, 1).await;
        assert_eq!(counts(&test, workspace_id).await, (0, 0, 0), "{engine}");
        assert_eq!(presence(&test, id).await, FilePresence::Failed, "{engine}");
    }
}

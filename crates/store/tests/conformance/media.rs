//! Files: uploaded at once, received ones later.

use segue_model::{
    ChannelId, MediaId, MessagingUserId, SessionId, TemplateId, content::Content, delivery::MessageClass,
    template::TemplateHeader, template::TemplateParts, time,
};
use segue_store::{
    inbound_text::NewInboundText,
    media::{CheckVerdict, FETCH_MEDIA, FilePresence, NewMedia, RemoteMedia, fingerprint},
    message::{AuthorKind, Direction, MediaReference, MessageContent, MessageKind, NewMessage},
    message_change::{DeletedWords, MessageChange},
    messaging_user::MessagingUser,
    outbox::{AddressKind, NewOutbox},
    pending_reply::{PendingReason, PendingReply},
    template::Template,
    text_file::NamedFile,
};
use segue_testkit::{TestStore, engines};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_text_says_how_far_its_virus_check_is() {
    for test in engines().await {
        let channel = test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id;
        let (ws, ctx, now) = (test.workspace_id(), test.ctx.clone(), test.now());
        let seen = async |phone: &'static str| {
            let texts = write(&test, move |tx| tx.texts_from(ws, phone, None, 1)).await;
            (texts[0].files[0].id, texts[0].files[0].presence)
        };
        let kept = async |phone: &'static str| {
            let ctx = ctx.clone();
            let keep = write(&test, move |tx| {
                let id = ctx.id();
                let (sender, text, outcome) = ("+15550100", "look", "none");
                let address = phone;
                let received_at = ctx.now();
                let row =
                    NewInboundText { id, channel_id: channel, sender, address, text, outcome, received_at, files: 1 };
                tx.keep_text(ws, &row)?;
                let file = NamedFile { url: "http://127.0.0.1:1/ME1".to_owned(), mime: "image/png".to_owned() };
                tx.receive_text_files(ws, (id, channel), &[file], &ctx)
            });
            keep.await;
            let (file, presence) = seen(phone).await;
            assert_eq!(presence, FilePresence::Pending, "{}", test.engine);
            let ctx = test.ctx.clone();
            write(&test, move |tx| {
                assert!(tx.store_media(ws, file, "image/png", b"cat")?);
                tx.plan_media_check(ws, file, &ctx)
            })
            .await;
            assert_eq!(seen(phone).await.1, FilePresence::Checking, "{}", test.engine);
            file
        };
        for (phone, verdict, presence) in [
            ("+15550100001", CheckVerdict::Later("It starts.".to_owned()), FilePresence::Checking),
            ("+15550100002", CheckVerdict::Unchecked("It is away.".to_owned()), FilePresence::Unchecked),
            ("+15550100003", CheckVerdict::Infected("Eicar".to_owned()), FilePresence::Infected),
            ("+15550100004", CheckVerdict::Clean, FilePresence::Stored),
        ] {
            let file = kept(phone).await;
            write(&test, move |tx| tx.note_media_check(ws, file, (&verdict, now))).await;
            assert_eq!(seen(phone).await.1, presence, "{}", test.engine);
        }
    }
}

async fn upload(test: &TestStore) -> MediaId {
    let media = NewMedia {
        id: test.ctx.id(),
        mime: "image/png".to_owned(),
        file_name: Some("cat.png".to_owned()),
        data: vec![7; 10],
    };
    let (workspace_id, now, id) = (test.workspace_id(), test.now(), media.id);
    write(test, move |tx| tx.insert_media(workspace_id, &media, now)).await;
    id
}

/// A conversation of a customer of its own.
async fn conversation(test: &TestStore, channel_id: ChannelId) -> SessionId {
    let (workspace_id, now) = (test.workspace_id(), test.now());
    let (id, user): (SessionId, MessagingUserId) = (test.ctx.id(), test.ctx.id());
    let user = MessagingUser {
        id: user,
        channel_id,
        profile_name: None,
        username: None,
        contact_id: None,
        lead_id: None,
        linked_by: None,
        last_inbound_at: None,
        blocked_at: None,
        created_at: now,
        version: 1,
    };
    let opened = write(test, move |tx| {
        tx.insert_messaging_user(workspace_id, &user)?;
        tx.open_session(workspace_id, id, channel_id, user.id, now)
    });
    assert!(opened.await);
    id
}

fn entry(test: &TestStore, channel_id: ChannelId, session_id: SessionId, media: MediaId) -> NewMessage {
    NewMessage {
        id: test.ctx.id(),
        session_id,
        channel_id,
        direction: Direction::Inbound,
        author: AuthorKind::Customer,
        author_id: None,
        kind: MessageKind::Image,
        content: MessageContent {
            media: Some(MediaReference { id: media, mime: "image/png".to_owned(), file_name: None }),
            ..MessageContent::default()
        },
        text: String::new(),
        provider_id: None,
        client_id: None,
        at: test.now(),
    }
}

fn draft_with(test: &TestStore, channel_id: ChannelId, media: MediaId) -> Template {
    let components = serde_json::json!([{"type": "BODY", "text": "Hi"}]);
    let mut parts = TemplateParts::of("spring", "en", "UTILITY", false, &components).expect("a category");
    parts.header = Some(TemplateHeader::Image { media_id: Some(media) });
    Template::drafted(test.ctx.id::<TemplateId>(), channel_id, parts)
}

fn waiting(test: &TestStore, session_id: SessionId, media_id: MediaId) -> PendingReply {
    PendingReply {
        id: test.ctx.id(),
        session_id,
        content: Content::Image { media_id, caption: None },
        author_id: None,
        client_id: None,
        reason: PendingReason::WindowClosed,
        created_at: test.now(),
        expires_at: test.now().plus(time::DAY),
        version: 1,
    }
}

fn on_its_way(test: &TestStore, channel_id: ChannelId, session_id: SessionId, media_id: MediaId) -> NewOutbox {
    let id = test.ctx.id();
    NewOutbox {
        id,
        channel_id,
        class: MessageClass::Service,
        dedupe_key: id.to_string(),
        address: "+15550100001".to_owned(),
        address_kind: AddressKind::Phone,
        payload: serde_json::to_value(Content::Image { media_id, caption: None }).unwrap().into(),
        campaign: None,
        session_id: Some(session_id),
        not_before: test.now(),
        expires_at: None,
        segments: None,
    }
}

async fn has_bytes(test: &TestStore, id: MediaId) -> bool {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.media_data(workspace_id, id)).await.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_several_conversations_goes_with_the_last_of_them() {
    for test in engines().await {
        let test = &test;
        let (ws, now, channel) =
            (test.workspace_id(), test.now(), test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id);
        let (one, other) = (conversation(test, channel).await, conversation(test, channel).await);
        let shared = upload(test).await;
        for session in [one, one, other] {
            let entry = entry(test, channel, session, shared);
            write(test, move |tx| tx.insert_message(ws, &entry)).await;
        }
        write(test, move |tx| tx.empty_transcript(ws, one, now)).await;
        assert!(has_bytes(test, shared).await, "{}: another customer has it", test.engine);
        let of_other =
            write(test, move |tx| tx.messages_before(ws, other, segue_store::message::MessageCursor::END, 9)).await;
        assert_eq!(of_other[0].media.as_ref().map(|media| media.id), Some(shared));
        write(test, move |tx| tx.empty_transcript(ws, other, now)).await;
        assert!(!has_bytes(test, shared).await, "{}: nothing needs it any more", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_template_or_a_message_to_be_sent_needs_is_kept() {
    for test in engines().await {
        let test = &test;
        let (ws, now, channel) =
            (test.workspace_id(), test.now(), test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id);
        let elsewhere = conversation(test, channel).await;
        let (above, draft, reply, queued) =
            (upload(test).await, upload(test).await, upload(test).await, upload(test).await);
        let mut submitted = draft_with(test, channel, above);
        (submitted.media_id, submitted.draft) = (Some(above), None);
        submitted.name.push_str("_sent");
        let template = draft_with(test, channel, draft);
        let (pending, sent) = (waiting(test, elsewhere, reply), on_its_way(test, channel, elsewhere, queued));
        write(test, move |tx| {
            assert!(tx.insert_template(ws, &submitted)?);
            tx.save_template(ws, &submitted)?;
            assert!(tx.insert_template(ws, &template)?);
            assert!(tx.insert_pending_reply(ws, &pending)?);
            assert!(tx.enqueue(ws, &sent, now)?);
            Ok(())
        })
        .await;
        let session = conversation(test, channel).await;
        for id in [above, draft, reply, queued] {
            let entry = entry(test, channel, session, id);
            write(test, move |tx| tx.insert_message(ws, &entry)).await;
        }
        write(test, move |tx| tx.empty_transcript(ws, session, now)).await;
        for (what, id) in [("a template", above), ("a draft", draft), ("a reply", reply), ("a message", queued)] {
            assert!(has_bytes(test, id).await, "{}: {what}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_deletes_stays_where_it_was_passed_on() {
    for test in engines().await {
        let test = &test;
        let (ws, now, channel) =
            (test.workspace_id(), test.now(), test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id);
        let (from, to) = (conversation(test, channel).await, conversation(test, channel).await);
        let (passed_on, alone) = (upload(test).await, upload(test).await);
        let entries =
            [(from, passed_on), (to, passed_on), (from, alone)].map(|(session, id)| entry(test, channel, session, id));
        for entry in entries.clone() {
            write(test, move |tx| tx.insert_message(ws, &entry)).await;
        }
        for (number, id) in [(0, entries[0].id), (1, entries[2].id)] {
            write(test, move |tx| {
                let provider_id = format!("wamid.{number}");
                let change = MessageChange { provider_id: &provider_id, text: None, at: now };
                tx.change_message(ws, (from, id), change, DeletedWords::Remove, now)
            })
            .await
            .expect("it is a customer's");
        }
        assert!(has_bytes(test, passed_on).await, "{}", test.engine);
        assert!(!has_bytes(test, alone).await, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_that_a_reply_still_needs_goes_when_the_reply_is_gone() {
    for test in engines().await {
        let test = &test;
        let (ws, now, channel) =
            (test.workspace_id(), test.now(), test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id);
        let session = conversation(test, channel).await;
        let id = upload(test).await;
        let (shown, reply) = (entry(test, channel, session, id), waiting(test, session, id));
        let (shown_id, reply_id) = (shown.id, reply.id);
        write(test, move |tx| {
            tx.insert_message(ws, &shown)?;
            assert!(tx.insert_pending_reply(ws, &reply)?);
            // With a message it is no upload any more.
            tx.remove_unsent_uploads(ws, now.plus(1), 10, now)
        })
        .await;
        let change = MessageChange { provider_id: "wamid.1", text: None, at: now };
        write(test, move |tx| tx.change_message(ws, (session, shown_id), change, DeletedWords::Remove, now))
            .await
            .expect("it is a customer's");
        let look = async || write(test, move |tx| tx.remove_unsent_uploads(ws, now.plus(1), 10, now)).await;
        assert_eq!(look().await, (1, 0), "{}: the reply needs it", test.engine);
        write(test, move |tx| tx.delete_pending_reply(ws, reply_id)).await;
        assert_eq!(look().await, (1, 1), "{}: nothing does", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_never_sent_is_removed_and_one_that_is_needed_stays() {
    for test in engines().await {
        let test = &test;
        let (ws, channel) = (test.workspace_id(), test.whatsapp_channel("wa", "http://127.0.0.1:1").await.id);
        let session = conversation(test, channel).await;
        let (never, sent, draft) = (upload(test).await, upload(test).await, upload(test).await);
        let (reply, queued) = (upload(test).await, upload(test).await);
        let (template, pending) = (draft_with(test, channel, draft), waiting(test, session, reply));
        let (message, way, now) =
            (entry(test, channel, session, sent), on_its_way(test, channel, session, queued), test.now());
        write(test, move |tx| {
            assert!(tx.insert_template(ws, &template)?);
            assert!(tx.insert_pending_reply(ws, &pending)?);
            assert!(tx.enqueue(ws, &way, now)?);
            tx.insert_message(ws, &message)
        })
        .await;
        let remove = async |before: segue_model::Timestamp| {
            let now = test.now();
            write(test, move |tx| tx.remove_unsent_uploads(ws, before, 100, now)).await
        };
        assert_eq!(remove(now).await, (0, 0), "{}: not yet", test.engine);
        test.clock.advance(time::DAY);
        assert_eq!(remove(now.plus(1)).await, (5, 1), "{}", test.engine);
        assert_eq!(write(test, move |tx| tx.media(ws, never)).await, None);
        for (what, id) in [("sent", sent), ("a draft", draft), ("a reply", reply), ("queued", queued)] {
            assert!(has_bytes(test, id).await, "{}: {what}", test.engine);
        }
        // What is needed without a message is looked at again a while later, and goes when it is not needed any more.
        assert_eq!(remove(now.plus(1)).await, (0, 0));
        let later = test.now().plus(1);
        assert_eq!(remove(later).await, (3, 0), "{}", test.engine);
        let cleared = write(test, move |tx| {
            let waiting = tx.pending_replies(ws, session)?;
            waiting.iter().try_for_each(|reply| tx.delete_pending_reply(ws, reply.id).map(drop))
        });
        cleared.await;
        assert_eq!(remove(later).await, (3, 1), "{}", test.engine);
        assert!(!has_bytes(test, reply).await);
        assert!(has_bytes(test, sent).await, "for good");
    }
}

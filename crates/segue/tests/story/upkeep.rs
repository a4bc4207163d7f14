//! What the product does beside: it goes on whatever a provider does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use segue_model::{ContactId, contact::ContactFields};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig},
    messaging_user::{Identifier, IdentifierKind, LinkedBy, MessagingUser},
};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::world::{OptedIn, World, worlds};

/// An address that takes requests and never answers. Gives its URL and how many asked to let a customer be forgotten.
async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
                    if request.starts_with(b"DELETE ") && request.windows(12).any(|part| part == b"contact_book") {
                        count.fetch_add(1, Ordering::SeqCst);
                        request.clear();
                    }
                }
            });
        }
    });
    (url, asked)
}

/// Customers whose contact is gone for good, on WhatsApp numbers at this address.
async fn erased(world: &World, url: &str, customers: usize) {
    let (ctx, url) = (world.ctx.clone(), url.to_owned());
    let now = ctx.now();
    let gone = world.server().store().write(move |tx| {
        let workspace = tx.workspaces()?.remove(0).id;
        let known = tx.channels(workspace)?;
        let known = known.into_iter().find(|channel| matches!(channel.config, ChannelConfig::WhatsApp(_))).unwrap();
        for number in 0..customers {
            // Each on a number of its own, so that what one cannot tell says nothing of the next.
            let mut channel = Channel { id: ctx.id(), slug: format!("zz-silent-{number}"), ..known.clone() };
            let ChannelConfig::WhatsApp(config) = &mut channel.config else { unreachable!() };
            config.base_url.clone_from(&url);
            config.phone_number_id = format!("20654035224292{number}");
            let channel_id = tx.upsert_channel(&channel)?;
            let contact: ContactId = ctx.id();
            tx.insert_contact(workspace, contact, &ContactFields::default(), now)?;
            let user = MessagingUser {
                id: ctx.id(),
                channel_id,
                profile_name: None,
                username: None,
                contact_id: Some(contact),
                lead_id: None,
                linked_by: Some(LinkedBy::Agent),
                last_inbound_at: None,
                blocked_at: None,
                created_at: now,
                version: 1,
            };
            tx.insert_messaging_user(workspace, &user)?;
            let identifier = Identifier { kind: IdentifierKind::Bsuid, value: format!("US.90{number}") };
            tx.insert_identifier(workspace, channel_id, &identifier, user.id)?;
            assert!(tx.delete_contact(workspace, contact, now)?);
        }
        Ok::<_, StoreError>(())
    });
    gone.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whatsapp_that_never_answers_holds_up_neither_campaigns_nor_the_end() {
    for mut world in worlds().await {
        let (url, asked) = silent().await;
        erased(&world, &url, 4).await;
        // The first round of a start finds them.
        world.restart().await;
        world.eventually("WhatsApp is asked", async |_: &World| asked.load(Ordering::SeqCst) > 0).await;
        world.contact("+15550110101", "Nobody", OptedIn::No).await;
        let campaign = world.campaign("To nobody").await;
        world.start_campaign(&campaign).await;
        world
            .eventually("the campaign finishes", async |w: &World| {
                w.get(&format!("/campaigns/{campaign}")).await["state"] == "finished"
            })
            .await;
        assert!(asked.load(Ordering::SeqCst) < 4, "questions still wait on {}", world.engine);
        let last_run = world.config.data_directory.join("last-run");
        world.server.take().unwrap().shutdown().await;
        let last_run = std::fs::read_to_string(last_run).unwrap();
        assert!(last_run.starts_with("ended"), "a proper end on {}: {last_run}", world.engine);
    }
}

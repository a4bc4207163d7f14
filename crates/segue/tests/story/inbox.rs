//! What came in and waits: for its turn, for a provider, or for a person.

use std::time::Duration;

use segue_channels::whatsapp::parse_webhook;
use segue_model::{ChannelId, WorkspaceId};
use segue_store::{
    Sql, Store, StoreConfig, StoreError,
    channel::ChannelConfig,
    inbox::{InboxKind, NewInbox},
    job::NewJob,
    outbox::Payload,
    template::{APPROVED, ListedTemplate, READ_TEMPLATE},
};
use serde_json::{Value, json};

use crate::world::{BUSINESS, OptedIn, World, find, worlds};

const CUSTOMER: &str = "15550114001";
const SENDER: &str = "+15550100001";

static AT_WORK: Sql =
    Sql::portable("AT_WORK", "SELECT COUNT(*) FROM inbox WHERE state = 'pending' AND lease_until > 0");
static RUNNING: Sql =
    Sql::portable("RUNNING", "SELECT COUNT(*) FROM jobs WHERE kind = $1 AND state = 'running' AND attempts = 1");
static HOLD_UP: Sql = Sql::portable("HOLD_UP", "LOCK TABLE messaging_users IN ACCESS EXCLUSIVE MODE");

/// The WhatsApp number of the world.
struct Number {
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    phone_number_id: String,
}

async fn number(world: &World) -> Number {
    let channels = world.get("/setup-status").await["channels"].clone();
    let id: ChannelId = find(&channels, |row| row["kind"] == "whatsapp")["id"].as_str().unwrap().parse().unwrap();
    let read = world.server().store().read::<_, StoreError, _>(move |tx| tx.channel_of_webhook(id));
    let channel = read.await.unwrap().unwrap();
    let ChannelConfig::WhatsApp(config) = &channel.config else { panic!("not a WhatsApp channel") };
    let phone_number_id = config.phone_number_id.clone();
    Number { workspace_id: channel.workspace_id, channel_id: channel.id, phone_number_id }
}

impl Number {
    /// The row of the inbox that a webhook with this change becomes.
    fn row(&self, world: &World, field: &str, customer: &str, mut value: Value) -> NewInbox {
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] = json!({ "display_phone_number": BUSINESS, "phone_number_id": self.phone_number_id });
        value["contacts"] = json!([{ "wa_id": customer, "profile": { "name": "Ann" } }]);
        let body = json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "time": 1_795_453_200, "changes": [{ "field": field, "value": value }] }] });
        let item = parse_webhook(body.to_string().as_bytes()).unwrap().remove(0);
        NewInbox {
            id: world.ctx.id(),
            channel_id: self.channel_id,
            kind: InboxKind::WhatsApp,
            external_id: item.external_id(),
            subject: item.subject(),
            payload: Payload::of(&item).unwrap(),
        }
    }

    async fn receive(&self, world: &World, rows: Vec<NewInbox>) {
        let (workspace_id, now) = (self.workspace_id, world.ctx.now());
        let stored = world.server().store().write::<_, StoreError, _>(move |tx| {
            rows.iter().try_for_each(|row| tx.receive(workspace_id, row, now).map(|_| ()))
        });
        stored.await.unwrap();
    }
}

/// More would stand in the queue of the store before webhooks and agents.
#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_sixteen_rows_are_worked_on_at_once_and_no_more() {
    for world in worlds().await {
        if world.engine != "postgres" {
            continue;
        }
        let number = number(&world).await;
        let config = StoreConfig::new(world.config.engine(), world.config.backup_directory());
        let other = tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap();
        let rows = (100..140)
            .map(|place| {
                let from = format!("15550115{place}");
                let message = json!({ "from": from, "id": format!("wamid.{place}"), "timestamp": "1795453200",
                    "type": "text", "text": { "body": "Hello" } });
                number.row(&world, "messages", &from, json!({ "messages": [message] }))
            })
            .collect();
        // Whoever is worked on stands still until this lets go.
        let ((tell, told), (release, released)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
        let gate = std::sync::Mutex::new(released);
        let holder = other.clone();
        let holding = tokio::spawn(async move {
            let held = holder.write::<_, StoreError, _>(move |tx| {
                tx.execute(&HOLD_UP, &[])?;
                let _ = tell.send(());
                let _ = gate.lock().unwrap().recv();
                Ok(())
            });
            held.await
        });
        tokio::task::block_in_place(|| told.recv()).unwrap();
        number.receive(&world, rows).await;
        let at_work = async || {
            let read = other.read::<_, StoreError, _>(|tx| tx.query_one(&AT_WORK, &[], |row| row.next::<i64>()));
            read.await.unwrap()
        };
        world.eventually("some are taken", async |_: &World| at_work().await > 0).await;
        // Time for more to be taken, which must not happen.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let taken = at_work().await;
        drop(release);
        holding.await.unwrap().unwrap();
        assert_eq!(taken, 16);
        let workspace_id = number.workspace_id;
        world
            .eventually("all are worked on", async |w| {
                let counts = w.server().store().read::<_, StoreError, _>(move |tx| tx.inbox_counts(workspace_id));
                counts.await.unwrap().pending == 0
            })
            .await;
        tokio::task::spawn_blocking(move || other.close()).await.unwrap();
    }
}

/// Carriers that call a plain text octets, and what is none: it may have been a STOP, so somebody is to see it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_octets_is_obeyed_and_what_nobody_can_read_waits_for_a_person() {
    for world in worlds().await {
        let engine = world.engine;
        let consent = async |w: &World| w.get("/contacts?search=15550114001").await["data"][0]["sms_consent"].clone();
        world.contact(&format!("+{CUSTOMER}"), "Ann", OptedIn::Yes).await;
        world.sandbox_post("/handsets", json!({ "phone": format!("+{CUSTOMER}"), "name": "Ann" })).await;
        let say = async |text: &str| {
            let text = json!({ "to": SENDER, "text": text, "data_coding": 4 });
            world.sandbox_post(&format!("/handsets/{CUSTOMER}/sms"), text).await;
        };
        say("STOP\u{1}").await;
        world
            .eventually("it is for a person", async |w| {
                w.get("/dead-letters").await["data"].as_array().is_some_and(|rows| rows.len() == 1)
            })
            .await;
        let letter = world.get("/dead-letters").await["data"][0].clone();
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.contains("0x04") && reason.contains("5 octets"), "{engine}: {letter}");
        assert_eq!(consent(&world).await, "granted", "{engine}");
        say("STOP").await;
        world.eventually("the opt-out is on record", async |w| consent(w).await == "revoked").await;
        world.eventually("it is confirmed", async |w| w.texts(CUSTOMER).await.len() == 1).await;
        assert_eq!(world.get("/dead-letters").await["data"].as_array().unwrap().len(), 1, "{engine}");
    }
}

/// WhatsApp takes every request and answers none: timers, long texts and the starts of campaigns do not wait for that.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_wait_for_a_provider_keep_no_other_waiting() {
    for world in worlds().await {
        let number = number(&world).await;
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", silent.local_addr().unwrap());
        let (workspace_id, channel_id, ctx) = (number.workspace_id, number.channel_id, world.ctx.clone());
        let id: ChannelId = ctx.id();
        let planned = world.server().store().write::<_, StoreError, _>(move |tx| {
            let mut channel = tx.channel(workspace_id, channel_id)?.unwrap();
            let ChannelConfig::WhatsApp(config) = &mut channel.config else { panic!("not a WhatsApp channel") };
            config.base_url.clone_from(&base_url);
            "silent".clone_into(&mut config.phone_number_id);
            channel.id = id;
            "silent".clone_into(&mut channel.slug);
            tx.upsert_channel(&channel)?;
            let listed: Vec<_> = (0..8)
                .map(|place| ListedTemplate {
                    name: format!("name_{place}"),
                    language: "en".to_owned(),
                    category: "UTILITY".to_owned(),
                    status: APPROVED.to_owned(),
                    components: json!([{ "type": "BODY", "text": "Hi" }]),
                    ..ListedTemplate::default()
                })
                .collect();
            tx.replace_templates(workspace_id, id, &listed, &ctx)?;
            let now = ctx.now();
            for template in tx.templates(workspace_id)?.into_iter().filter(|template| template.channel_id == id) {
                let payload = json!({ "template_id": template.id });
                let dedupe_key = template.id.to_string();
                let job = NewJob { id: ctx.id(), kind: READ_TEMPLATE, dedupe_key, payload, run_at: now };
                tx.schedule(workspace_id, &job, now)?;
            }
            Ok(())
        });
        planned.await.unwrap();
        let waiting = async |w: &World| {
            let read = w
                .server()
                .store()
                .read::<_, StoreError, _>(|tx| tx.query_one(&RUNNING, &[&READ_TEMPLATE], |row| row.next::<i64>()));
            read.await.unwrap()
        };
        world.eventually("all of them wait", async |w| waiting(w).await == 8).await;
        let (ctx, now) = (world.ctx.clone(), world.ctx.now());
        let other = world.server().store().write::<_, StoreError, _>(move |tx| {
            let job = NewJob {
                id: ctx.id(),
                kind: "of_no_kind",
                dedupe_key: "1".to_owned(),
                payload: json!({}),
                run_at: now,
            };
            tx.schedule(workspace_id, &job, now)
        });
        assert!(other.await.unwrap());
        world
            .eventually("the other one is looked at", async |w| {
                w.get("/dead-letters").await["data"].as_array().is_some_and(|rows| rows.len() == 1)
            })
            .await;
        assert_eq!(waiting(&world).await, 8, "{}: and none of the others had ended", world.engine);
        drop(silent);
    }
}

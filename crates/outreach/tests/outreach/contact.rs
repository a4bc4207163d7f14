use segue_model::{
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
};
use segue_outreach::contacts::{self, ConsentInput, ContactInput};
use segue_store::{StoreError, contact_page::ContactQuery};
use serde_json::{Value, json};

use crate::world::{World, phone, worlds};

fn input(value: Value) -> ContactInput {
    serde_json::from_value(value).unwrap()
}

async fn create(world: &World, value: Value) -> Result<segue_store::contact::ContactView, String> {
    let created = contacts::create(&world.test.store, &world.test.ctx, world.ws(), input(value)).await;
    created.map_err(|error| error.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_more_attributes_than_one_may_have_can_be_changed() {
    use segue_model::{ContactId, contact::ContactFields};
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let id: ContactId = ctx.id();
        let attributes = (0..120).map(|number| (format!("a{number}"), "x".to_owned())).collect();
        let fields = ContactFields { attributes, ..ContactFields::default() };
        let now = world.test.now();
        assert!(world.write(move |tx| tx.insert_contact(ws, id, &fields, now)).await);
        let change = async |value: Value| contacts::change(store, ctx, ws, id, input(value)).await;
        for value in [
            json!({ "first_name": "Ana" }),
            json!({ "attributes": { "a7": "y" } }),
            json!({ "attributes": { "a8": null, "b8": "z" } }),
            json!({ "attributes": { "a9": null } }),
        ] {
            change(value).await.unwrap();
        }
        let refused = change(json!({ "attributes": { "more": "x" } })).await.unwrap_err().to_string();
        assert!(refused.contains("at most 100") && refused.contains("has 119"), "{}: {refused}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_life() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let ana = create(
            &world,
            json!({ "phone": "(212) 555-0100", "first_name": " Ana ", "attributes": { "Order No.": "7" } }),
        );
        let ana = ana.await.unwrap();
        assert_eq!(ana.phone.as_ref().unwrap().as_str(), "+12125550100", "the workspace's country");
        assert_eq!(ana.first_name.as_deref(), Some("Ana"));
        assert_eq!(ana.attributes["order_no"], "7");
        assert_eq!((ana.sms_consent, ana.whatsapp_consent), (ConsentState::None, ConsentState::None));

        assert_eq!(create(&world, json!({ "phone": "+12125550100" })).await.unwrap_err(), "phone_taken");
        assert_eq!(create(&world, json!({ "phone": "12" })).await.unwrap_err(), "invalid_field");
        assert_eq!(create(&world, json!({ "email": "nobody" })).await.unwrap_err(), "invalid_field");
        assert_eq!(
            create(&world, json!({ "first_name": "x", "time_zone": "Mars" })).await.unwrap_err(),
            "invalid_field"
        );
        assert_eq!(create(&world, json!({})).await.unwrap_err(), "invalid_field");
        let ben = create(&world, json!({ "first_name": "Ben", "email": "ben@example.com" })).await.unwrap();

        let change = |id, value| contacts::change(store, ctx, ws, id, input(value));
        let taken = change(ben.id, json!({ "phone": "+12125550100" })).await.unwrap_err();
        assert_eq!(taken.code(), "phone_taken");
        let changed = change(
            ana.id,
            json!({ "first_name": null, "last_name": "Lima", "attributes": { "order_no": "", "city": "Lima" } }),
        );
        let changed = changed.await.unwrap();
        assert_eq!((changed.first_name, changed.last_name.as_deref()), (None, Some("Lima")));
        assert_eq!(changed.attributes.into_iter().collect::<Vec<_>>(), [("city".to_owned(), "Lima".to_owned())]);
        assert_eq!(changed.phone, ana.phone, "an absent field stays");

        let say = |id, action, wording: Option<&str>| {
            let input = ConsentInput {
                medium: Medium::Sms,
                purpose: Purpose::Marketing,
                action,
                method: ConsentMethod::Paper,
                wording: wording.map(str::to_owned),
                proof: None,
                occurred_at: None,
                expires_at: None,
                scope: None,
                context: segue_store::consent::ConsentContext::default(),
                address: None,
            };
            contacts::record_consent(store, ctx, ws, &Actor::System, id, input)
        };
        assert_eq!(say(ana.id, ConsentAction::Grant, None).await.unwrap_err().code(), "consent_evidence_required");
        assert_eq!(say(ben.id, ConsentAction::Grant, Some("x")).await.unwrap_err().code(), "contact_without_phone");
        let event = say(ana.id, ConsentAction::Grant, Some("Yes")).await.unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap()["channel"], "sms");
        assert_eq!(contacts::get(store, ws, ana.id).await.unwrap().sms_consent, ConsentState::Granted);
        assert_eq!(contacts::consent_events(store, ws, ana.id, None, 10).await.unwrap(), [event]);
        assert_eq!(contacts::consent_events(store, ws, ben.id, None, 10).await.unwrap(), []);

        world.test.clock.advance(1);
        say(ana.id, ConsentAction::Revoke, None).await.unwrap();
        contacts::delete(store, ctx, ws, ana.id).await.unwrap();
        assert_eq!(contacts::get(store, ws, ana.id).await.unwrap_err().code(), "not_found");
        assert_eq!(contacts::delete(store, ctx, ws, ana.id).await.unwrap_err().code(), "not_found");
        let again = create(&world, json!({ "phone": "+12125550100" })).await.unwrap();
        let again = contacts::get(store, ws, again.id).await.unwrap();
        assert_eq!(again.sms_consent, ConsentState::Revoked, "a no outlives the contact");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_lists_and_pages() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        for (n, name) in [(1, "Ana"), (2, "Anabel"), (3, "Ben_x"), (4, "100%")] {
            world.test.contact(&phone(n), name).await;
        }
        let find = |search: &str, before, limit, list_id| {
            let query =
                ContactQuery { search: search.to_owned(), list_id, after: before, limit, ..ContactQuery::default() };
            store.read::<_, StoreError, _>(move |tx| tx.contacts(ws, &query))
        };
        let names = |found: Vec<segue_store::contact::ContactView>| -> Vec<String> {
            found.into_iter().filter_map(|contact| contact.first_name).collect()
        };
        assert_eq!(names(find("ANA", None, 10, None).await.unwrap()), ["Anabel", "Ana"]);
        assert_eq!(names(find("%", None, 10, None).await.unwrap()), ["100%"], "a wildcard is a letter");
        assert_eq!(names(find("_", None, 10, None).await.unwrap()), ["Ben_x"]);
        assert_eq!(names(find("5550003", None, 10, None).await.unwrap()), ["Ben_x"]);
        let first = find("", None, 3, None).await.unwrap();
        let second = find("", Some(first[2].id), 3, None).await.unwrap();
        assert_eq!(names(second), ["Ana"]);

        let list = contacts::create_list(store, ctx, ws, "VIP").await.unwrap();
        assert_eq!(contacts::create_list(store, ctx, ws, " VIP ").await.unwrap_err().code(), "list_taken");
        let (member, list_id, now) = (first[0].id, list.id, world.test.now());
        let added =
            world.write(move |tx| Ok([(); 2].map(|()| tx.add_to_list(ws, list_id, member, now).unwrap()))).await;
        assert_eq!(added, [true, false]);
        assert_eq!(names(find("", None, 10, Some(list.id)).await.unwrap()), ["100%"]);
        assert_eq!(contacts::lists(store, ws).await.unwrap()[0].member_count, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_number_taken_at_the_same_moment_goes_to_one() {
    for world in worlds().await {
        let racers: Vec<_> = (0..16)
            .map(|n| {
                let (store, ctx, ws) = (world.test.store.clone(), world.test.ctx.clone(), world.ws());
                let value = json!({ "phone": "+12125550100", "first_name": format!("n{n}") });
                tokio::spawn(async move { contacts::create(&store, &ctx, ws, input(value)).await.is_ok() })
            })
            .collect();
        let mut won = 0;
        for racer in racers {
            won += usize::from(racer.await.unwrap());
        }
        assert_eq!(won, 1, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_number_keeps_no_contact_from_others_while_it_waits_for_the_addresses() {
    use std::{
        sync::{Mutex, mpsc},
        time::Duration,
    };

    use segue_store::Sql;

    static FREE: Sql =
        Sql::portable("FREE", "SELECT 1 FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE SKIP LOCKED");
    static WAITING: Sql = Sql::portable(
        "WAITING",
        "SELECT COUNT(*) FROM pg_locks WHERE NOT granted
            AND database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())",
    );
    // SQLite has one writer.
    let Some(test) = segue_testkit::postgres_store().await else { return };
    let ws = test.workspace_id();
    let ana = test.contact(&phone(1), "Ana").await;
    let further = segue_outreach::contact_addresses::AddressInput {
        kind: segue_store::contact_address::AddressKind::Phone,
        address: phone(2),
    };
    segue_outreach::contact_addresses::set(&test.store, &test.ctx, ws, ana, vec![further]).await.unwrap();
    // Somebody holds the addresses and comes to the contact then, as an import does.
    let ((held, is_held), (let_go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (held, may_go) = (Mutex::new(held), Mutex::new(may_go));
    let store = test.store.clone();
    let other = tokio::spawn(async move {
        let is_free = store.write::<_, StoreError, _>(move |tx| {
            tx.hold_addresses(ws)?;
            held.lock().unwrap().send(()).expect("the test waits");
            may_go.lock().unwrap().recv().expect("the test says when");
            Ok(tx.query_opt(&FREE, &[&ws, &ana], |row| row.next::<i64>())?.is_some())
        });
        is_free.await.unwrap()
    });
    tokio::task::spawn_blocking(move || is_held.recv()).await.unwrap().unwrap();
    // Her further number becomes her own: the two change places.
    let (store, ctx) = (test.store.clone(), test.ctx.clone());
    let change =
        tokio::spawn(async move { contacts::change(&store, &ctx, ws, ana, input(json!({ "phone": phone(2) }))).await });
    let waiting = async || {
        let counted = test.store.read::<i64, StoreError, _>(|tx| tx.query_one(&WAITING, &[], |row| row.next()));
        counted.await.unwrap()
    };
    while waiting().await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let_go.send(()).unwrap();
    assert!(other.await.unwrap(), "the contact is free for whoever holds the addresses");
    assert_eq!(change.await.unwrap().unwrap().phone.unwrap().as_str(), phone(2));
}

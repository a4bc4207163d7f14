//! Several numbers and keys of one person: what counts for whom.

use segue_model::{
    ContactId, PhoneNumber,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
};
use segue_outreach::{
    consent_record,
    contact_addresses::{self, AddressInput},
    contacts::{self, ContactInput},
    merge::{self, MergeInput},
    reach,
};
use segue_store::{contact_address::AddressKind, contact_upsert::Upserted};
use serde_json::json;

use crate::world::{World, phone, worlds};

/// What a number's consent to marketing amounts to.
async fn state(world: &World, address: &str) -> ConsentState {
    let (ws, address) = (world.ws(), address.to_owned());
    world.write(move |tx| Ok(tx.consent_state(ws, Medium::Sms, &address, Purpose::Marketing)?.state)).await
}

async fn set(world: &World, id: ContactId, addresses: &[(AddressKind, &str)]) {
    let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
    let inputs = addresses.iter().map(|(kind, address)| AddressInput { kind: *kind, address: (*address).to_owned() });
    contact_addresses::set(store, ctx, ws, id, inputs.collect()).await.unwrap();
}

/// The person texts START themselves.
async fn own_yes(world: &World, address: &str) {
    let mut event = world.said(address, ConsentAction::Grant);
    event.method = ConsentMethod::Keyword;
    let (ctx, ws) = (world.test.ctx.clone(), world.ws());
    world.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap();
}

fn input(value: serde_json::Value) -> ContactInput {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_at_one_number_counts_at_all_until_they_part_or_the_person_says_yes_again() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let (one, other) = (phone(1), phone(2));
        let kept = world.subscriber(&one, "Ana").await;
        let merged = world.subscriber(&other, "Anna").await;
        world.test.clock.advance(1_000);
        world.consent(&other, ConsentAction::Revoke).await;
        let merge = || async {
            world.test.clock.advance(1_000);
            let input = MergeInput { kept_id: kept, merged_id: merged, take: Vec::new() };
            merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap()
        };
        let ledger = world.write(move |tx| Ok(tx.check_consent_chain(ws)?.entries)).await;
        let done = merge().await;
        assert_eq!(
            (state(&world, &one).await, state(&world, &other).await),
            (ConsentState::Revoked, ConsentState::Revoked)
        );
        assert_eq!(world.write(move |tx| Ok(tx.check_consent_chain(ws)?.entries)).await, ledger, "nothing is written");

        // The whole record is one person's, and the states can be computed from the ledger at any time.
        let record = consent_record::of_contact(store, ws, kept).await.unwrap();
        let standing =
            record.standings.iter().find(|each| each.medium == Medium::Sms && each.purpose == Purpose::Marketing);
        let standing = standing.unwrap();
        assert_eq!(standing.state, ConsentState::Revoked);
        assert_eq!(standing.decided_by.as_ref().unwrap().action, ConsentAction::Revoke);
        assert_eq!(contacts::consent_events(store, ws, kept, None, 10).await.unwrap().len(), 3);
        assert_eq!(contacts::consent_events(store, ws, kept, None, 2).await.unwrap().len(), 2);
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(state(&world, &one).await, ConsentState::Revoked);

        // Nobody claims a yes for the person; the person may say it.
        let claim = world.said(&one, ConsentAction::Grant);
        let ctx2 = ctx.clone();
        assert!(store.write(move |tx| tx.record_consent(ws, &claim, &ctx2)).await.is_err());
        world.test.clock.advance(1_000);
        own_yes(&world, &one).await;
        assert_eq!(
            (state(&world, &one).await, state(&world, &other).await),
            (ConsentState::Granted, ConsentState::Revoked)
        );

        merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap();
        assert_eq!(
            (state(&world, &one).await, state(&world, &other).await),
            (ConsentState::Granted, ConsentState::Revoked)
        );
        // That yes was said before they were one person again.
        let again = merge().await;
        assert_eq!(state(&world, &one).await, ConsentState::Revoked, "{}", world.test.engine);
        merge::unmerge(store, ctx, ws, &Actor::System, again.id).await.unwrap();
        merge().await;
        // A contact that is deleted no longer joins its numbers.
        contacts::delete(store, ctx, ws, kept).await.unwrap();
        assert_eq!(
            (state(&world, &one).await, state(&world, &other).await),
            (ConsentState::Granted, ConsentState::Revoked)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_one_number_ends_what_waits_for_the_others() {
    for world in worlds().await {
        let (one, other) = (phone(1), phone(2));
        let ana = world.subscriber(&one, "Ana").await;
        set(&world, ana, &[(AddressKind::Phone, &other)]).await;
        world.sent(world.input()).await;
        assert_eq!(world.in_state("queued").await, 1);
        world.consent(&other, ConsentAction::Revoke).await;
        assert_eq!((world.in_state("queued").await, world.in_state("canceled").await), (0, 1), "{}", world.test.engine);
        // Taking the number away lets the person's own consent count again.
        set(&world, ana, &[]).await;
        assert_eq!(state(&world, &one).await, ConsentState::Granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_two_numbers_is_remembered_when_their_order_changes() {
    for world in worlds().await {
        let (one, two, three) = (phone(1), phone(2), phone(3));
        let ana = world.subscriber(&one, "Ana").await;
        world.consent(&two, ConsentAction::Revoke).await;
        world.test.clock.advance(1_000);
        set(&world, ana, &[(AddressKind::Phone, &two), (AddressKind::Phone, &three)]).await;
        world.test.clock.advance(1_000);
        own_yes(&world, &one).await;
        world.test.clock.advance(1_000);
        set(&world, ana, &[(AddressKind::Phone, &three), (AddressKind::Phone, &two)]).await;
        world
            .write({
                let ws = world.ws();
                move |tx| tx.rebuild_consents(ws)
            })
            .await;
        assert_eq!(state(&world, &one).await, ConsentState::Granted, "{}", world.test.engine);
        assert_eq!(state(&world, &three).await, ConsentState::Revoked);
        // Another own number is joined with what the further ones said.
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let four = phone(4);
        world.consent(&four, ConsentAction::Grant).await;
        contacts::change(store, ctx, ws, ana, input(json!({ "phone": four }))).await.unwrap();
        assert_eq!(state(&world, &four).await, ConsentState::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_number_that_becomes_the_own_one_changes_places_with_it() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let (one, two) = (phone(1), phone(2));
        let ana = world.subscriber(&one, "Ana").await;
        world.consent(&two, ConsentAction::Revoke).await;
        world.test.clock.advance(1_000);
        set(&world, ana, &[(AddressKind::Phone, &two)]).await;
        let joined = contact_addresses::list(store, ws, ana).await.unwrap()[0].added_at;
        world.test.clock.advance(1_000);
        let changed = contacts::change(store, ctx, ws, ana, input(json!({ "phone": two }))).await.unwrap();
        assert_eq!(changed.phone.unwrap().as_str(), two, "{engine}");
        let further = contact_addresses::list(store, ws, ana).await.unwrap();
        let [kept] = further.as_slice() else { panic!("{engine}: {further:?}") };
        assert_eq!((&kept.address, kept.added_at), (&one, joined), "{engine}");
        let events = contacts::consent_events(store, ws, ana, None, 9).await.unwrap();
        assert_eq!(events.len(), 2, "{engine}: each once");
        let states = async || (state(&world, &one).await, state(&world, &two).await);
        let now = states().await;
        assert_eq!(now, (ConsentState::Revoked, ConsentState::Revoked), "{engine}");
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(states().await, now, "{engine}: as the ledger says");
        // Numbers that part again have each what was said for them.
        set(&world, ana, &[]).await;
        assert_eq!(states().await, (ConsentState::Granted, ConsentState::Revoked), "{engine}");

        // Who has further numbers alone is found by one of them, which stays a further one.
        let ben = contacts::create(store, ctx, ws, input(json!({ "first_name": "Ben" }))).await.unwrap().id;
        set(&world, ben, &[(AddressKind::Phone, &phone(3))]).await;
        let fields = segue_model::contact::ContactFields {
            phone: Some(phone(3).parse().unwrap()),
            last_name: Some("Okri".to_owned()),
            ..Default::default()
        };
        let its_ctx = ctx.clone();
        world.write(move |tx| tx.upsert_contact(ws, its_ctx.id(), &fields, its_ctx.now())).await;
        let found = contacts::get(store, ws, ben).await.unwrap();
        assert_eq!((found.phone, found.last_name.as_deref()), (None, Some("Okri")), "{engine}");
        let further = contact_addresses::list(store, ws, ben).await.unwrap();
        assert_eq!(further.into_iter().map(|it| it.address).collect::<Vec<_>>(), [phone(3)], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn further_emails_are_found_in_whatever_letters_they_were_written() {
    for world in worlds().await {
        let (store, ws, engine, now) = (&world.test.store, world.ws(), &world.test.engine, world.test.now());
        let ana = world.test.contact(&phone(1), "Ana").await;
        set(&world, ana, &[(AddressKind::Email, "Ana.Lopez@Example.com")]).await;
        let kept = contact_addresses::list(store, ws, ana).await.unwrap();
        assert_eq!(kept[0].address, "ana.lopez@example.com", "{engine}");
        // One that was kept as it was written.
        let old = segue_store::contact_address::ContactAddress {
            kind: AddressKind::Email,
            address: "Ana@Example.com".to_owned(),
            priority: 2,
            added_at: now,
        };
        assert!(world.write(move |tx| tx.insert_contact_address(ws, ana, &old)).await);
        for email in ["ANA.LOPEZ@example.com", "ana@example.com"] {
            let found = world.write(move |tx| tx.contacts_of_email(ws, email, 5)).await;
            assert_eq!(found, [ana], "{engine}: {email}");
        }
        // It is hers for everybody, as it is kept in other letters, too.
        let ben = world.test.contact(&phone(2), "Ben").await;
        for address in ["ana@example.com", "ANA@EXAMPLE.COM", "Ana.Lopez@example.com"] {
            let input = AddressInput { kind: AddressKind::Email, address: address.to_owned() };
            let refused = contact_addresses::set(store, &world.test.ctx, ws, ben, vec![input]).await.unwrap_err();
            assert_eq!(refused.code(), "address_taken", "{engine}: {address}");
        }
        set(&world, ben, &[(AddressKind::Email, "ben@example.com"), (AddressKind::Key, "ana@example.com")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_texts_the_first_further_number_that_opted_in_where_the_own_one_says_nothing() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let ana = world.test.contact(&phone(1), "Ana").await;
        for number in [3, 4, 5] {
            world.consent(&phone(number), ConsentAction::Grant).await;
        }
        let (two, three, four, five) = (phone(2), phone(3), phone(4), phone(5));
        set(&world, ana, &[&two, &three, &four].map(|number| (AddressKind::Phone, number.as_str()))).await;
        {
            let (ws, three, now) = (ws, three.clone(), world.test.now());
            world.write(move |tx| tx.suppress(ws, &three, "bounced", now)).await;
        }
        let ben = contacts::create(store, ctx, ws, input(json!({ "first_name": "Ben" }))).await.unwrap().id;
        set(&world, ben, &[(AddressKind::Email, "ben@example.com"), (AddressKind::Phone, &five)]).await;
        world.test.contact(&phone(6), "Cleo").await;
        assert_eq!(reach::reachability(store, ctx, ws, ana).await.unwrap().reach, reach::Reach::Send);
        world.sent(world.input()).await;
        let texted: Vec<String> = world.messages().await.into_iter().map(|message| message.address).collect();
        assert_eq!(texted, [four.clone(), five], "{}", world.test.engine);
        // A no at any of them is a no of the person.
        world.consent(&two, ConsentAction::Revoke).await;
        assert_eq!(reach::reachability(store, ctx, ws, ana).await.unwrap().reach, reach::Reach::Refuse);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_names_one_contact_also_after_a_merge() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let ana =
            contacts::create(store, ctx, ws, input(json!({ "first_name": "Ana", "external_key": " K-1 " }))).await;
        let ana = ana.unwrap();
        assert_eq!(ana.external_key.as_deref(), Some("K-1"));
        let ben = contacts::create(store, ctx, ws, input(json!({ "first_name": "Ben", "external_key": "K-2" }))).await;
        let ben = ben.unwrap();
        let same = || input(json!({ "external_key": "K-1" }));
        let refused = contacts::create(store, ctx, ws, same()).await.unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("key_taken", Some("external_key")));
        assert_eq!(contacts::change(store, ctx, ws, ben.id, same()).await.unwrap_err().code(), "key_taken");

        let merge = MergeInput { kept_id: ana.id, merged_id: ben.id, take: Vec::new() };
        let done = merge::merge(store, ctx, ws, &Actor::System, merge).await.unwrap();
        for key in ["K-1", "K-2"] {
            assert_eq!(world.write(move |tx| tx.contact_of_key(ws, key)).await, Some(ana.id), "{}", world.test.engine);
        }
        let taken = input(json!({ "first_name": "Cleo", "external_key": "K-2" }));
        assert_eq!(contacts::create(store, ctx, ws, taken).await.unwrap_err().code(), "key_taken");
        merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap();
        assert_eq!(world.write(move |tx| tx.contact_of_key(ws, "K-2")).await, Some(ben.id));
        assert_eq!(contacts::get(store, ws, ben.id).await.unwrap().external_key.as_deref(), Some("K-2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_written_by_key_or_number_is_found_by_either_and_two_are_never_mixed() {
    for world in worlds().await {
        let ws = world.ws();
        let upsert = |key: Option<&str>, number: Option<String>, name: &str| {
            let fields = segue_model::contact::ContactFields {
                external_key: key.map(str::to_owned),
                phone: number.map(|number| number.parse::<PhoneNumber>().unwrap()),
                first_name: Some(name.to_owned()),
                ..Default::default()
            };
            let ctx = world.test.ctx.clone();
            world.write(move |tx| tx.upsert_contact(ws, ctx.id(), &fields, ctx.now()))
        };
        let Upserted::Created(ana) = upsert(Some("K-1"), Some(phone(1)), "Ana").await else { panic!("not created") };
        let Upserted::Created(ben) = upsert(None, Some(phone(2)), "Ben").await else { panic!("not created") };
        assert_eq!(upsert(Some("K-1"), Some(phone(1)), "Ana").await, Upserted::Unchanged(ana));
        assert_eq!(upsert(Some("K-1"), None, "Anna").await, Upserted::Updated(ana));
        assert_eq!(upsert(Some("K-1"), Some(phone(3)), "Anna").await, Upserted::Updated(ana), "a new number");
        assert_eq!(upsert(None, Some(phone(3)), "Anna").await, Upserted::Unchanged(ana), "is found by it");
        assert_eq!(upsert(Some("K-2"), Some(phone(2)), "Ben").await, Upserted::Updated(ben), "gets a key");
        assert_eq!(upsert(Some("K-1"), Some(phone(2)), "Mixed").await, Upserted::Ambiguous);
        assert_eq!(upsert(Some("K-3"), Some(phone(2)), "Mixed").await, Upserted::Ambiguous, "has another key");
        set(&world, ana, &[(AddressKind::Phone, &phone(9)), (AddressKind::Key, "K-9")]).await;
        assert_eq!(upsert(Some("K-9"), Some(phone(9)), "Anna").await, Upserted::Unchanged(ana));
        let ana = world.write(move |tx| tx.contact(ws, ana)).await.unwrap();
        assert_eq!((ana.external_key.as_deref(), ana.phone.unwrap().to_string()), (Some("K-1"), phone(3)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_said_nothing_is_free_again_when_the_other_one_takes_its_no_back() {
    for world in worlds().await {
        let (own, further, ws) = (phone(1), phone(2), world.ws());
        let id = world.test.contact(&own, "Ana").await;
        set(&world, id, &[(AddressKind::Phone, &further)]).await;
        world.test.clock.advance(1_000);
        world.consent(&further, ConsentAction::Revoke).await;
        let both = async || (state(&world, &own).await, state(&world, &further).await);
        assert_eq!(both().await, (ConsentState::Revoked, ConsentState::Revoked), "{}", world.test.engine);
        world.test.clock.advance(1_000);
        own_yes(&world, &further).await;
        let after = both().await;
        assert_eq!(after, (ConsentState::None, ConsentState::Granted), "{}", world.test.engine);
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(both().await, after, "{}: as the ledger says", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_at_a_further_number_counts_at_the_own_one_that_comes_later() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let without_own = async |name: &str, further: &str, key: &str| {
            let fields = input(json!({ "first_name": name, "external_key": key }));
            let id = contacts::create(store, ctx, ws, fields).await.unwrap().id;
            set(&world, id, &[(AddressKind::Phone, further)]).await;
            world.consent(further, ConsentAction::Revoke).await;
            id
        };
        let subscribed = async |number: u32| {
            world.consent(&phone(number), ConsentAction::Grant).await;
            assert_eq!(state(&world, &phone(number)).await, ConsentState::Granted, "{engine}");
        };
        // By a merge.
        let kept = without_own("Ana", &phone(1), "A").await;
        let merged = world.subscriber(&phone(2), "Anna").await;
        world.test.clock.advance(1_000);
        let choice = MergeInput { kept_id: kept, merged_id: merged, take: Vec::new() };
        let done = merge::merge(store, ctx, ws, &Actor::System, choice).await.unwrap();
        assert_eq!(state(&world, &phone(2)).await, ConsentState::Revoked, "{engine}");
        merge::unmerge(store, ctx, ws, &Actor::System, done.id).await.unwrap();
        assert_eq!(state(&world, &phone(2)).await, ConsentState::Granted, "{engine}: each has its own again");
        // By hand.
        let ben = without_own("Ben", &phone(3), "B").await;
        subscribed(4).await;
        contacts::change(store, ctx, ws, ben, input(json!({ "phone": phone(4) }))).await.unwrap();
        assert_eq!(state(&world, &phone(4)).await, ConsentState::Revoked, "{engine}");
        // By the key.
        without_own("Cem", &phone(5), "C").await;
        subscribed(6).await;
        let fields = segue_model::contact::ContactFields {
            external_key: Some("C".to_owned()),
            phone: Some(phone(6).parse().unwrap()),
            ..Default::default()
        };
        let its_ctx = ctx.clone();
        world.write(move |tx| tx.upsert_contact(ws, its_ctx.id(), &fields, its_ctx.now())).await;
        assert_eq!(state(&world, &phone(6)).await, ConsentState::Revoked, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_says_of_each_entry_for_which_number_it_was_said() {
    for world in worlds().await {
        let (own, further) = (phone(1), phone(2));
        let id = world.subscriber(&own, "Ana").await;
        set(&world, id, &[(AddressKind::Phone, &further)]).await;
        world.test.clock.advance(1_000);
        world.consent(&further, ConsentAction::Revoke).await;
        let proof = consent_record::proof(&world.test.store, world.ws(), id, world.test.now()).await.unwrap();
        let json = serde_json::to_value(&proof).unwrap();
        let said: Vec<_> = json["events"].as_array().unwrap().iter().map(|event| event["address"].clone()).collect();
        assert_eq!(said, [json!(own), json!(further)], "{}", world.test.engine);
        let csv = proof.to_csv().unwrap();
        let firsts: Vec<_> = csv.lines().filter_map(|line| line.split(',').next()).collect();
        assert_eq!(firsts, ["address".to_owned(), format!("'{own}"), format!("'{further}")], "{csv}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_tells_of_one_number_outlives_the_parting_of_two() {
    use segue_outreach::provider_keyword::{self, ProviderOptOut};
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let (one, other) = (phone(1), phone(2));
        let kept = world.subscriber(&one, "Ana").await;
        let merged = world.subscriber(&other, "Anna").await;
        world.test.clock.advance(1_000);
        world.consent(&one, ConsentAction::Revoke).await;
        let input = MergeInput { kept_id: kept, merged_id: merged, take: Vec::new() };
        let merge = merge::merge(store, ctx, ws, &Actor::System, input).await.unwrap();
        assert_eq!(state(&world, &other).await, ConsentState::Revoked, "{engine}: by the no at the first");
        let mut news = Vec::new();
        for _ in 0..2 {
            world.test.clock.advance(1_000);
            let (ctx, told_of) = (ctx.clone(), other.clone());
            let told = move |tx: &mut segue_store::Tx<'_>| {
                let workspace = tx.workspace(ws)?.unwrap();
                let told = ProviderOptOut { inbox_id: ctx.id(), phone: &told_of, received_at: ctx.now() };
                provider_keyword::record(tx, &ctx, &workspace, &told)
            };
            news.push(world.write(told).await);
        }
        assert_eq!(news, [true, false], "{engine}");
        merge::unmerge(store, ctx, ws, &Actor::System, merge.id).await.unwrap();
        assert_eq!(state(&world, &other).await, ConsentState::Revoked, "{engine}: by its own");
    }
}

use segue_model::{ContactId, actor::Actor, consent::ConsentAction, contact::ContactFields};
use segue_outreach::{
    attributes::{self, AttributeInput},
    contact_addresses::{self, AddressInput},
    contacts::{self, ContactInput},
    grid::{self, GridQuery, ViewInput},
};
use segue_store::{
    contact_address::AddressKind,
    contact_view::{AttributeKind, ContactSort, FieldFilter, FieldOperator, ViewQuery},
};
use serde_json::json;

use crate::world::{World, phone, worlds};

fn query() -> GridQuery {
    GridQuery {
        search: String::new(),
        list_id: None,
        filters: Vec::new(),
        sort: ContactSort::Newest,
        after: None,
        limit: 2,
    }
}

fn filter(field: &str, op: FieldOperator, value: &str) -> FieldFilter {
    FieldFilter { field: field.to_owned(), op, value: value.to_owned() }
}

/// First names of all pages.
async fn all(world: &World, mut query: GridQuery) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = grid::page(&world.test.store, world.ws(), query.clone()).await.unwrap();
        assert!(page.contacts.len() <= query.limit);
        names.extend(page.contacts.into_iter().filter_map(|contact| contact.first_name));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return names,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_filters_have_everything_once_in_order() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let mut ids: Vec<ContactId> = Vec::new();
        for (number, name) in (0..).zip(["Ana", "Ben", "Cleo", "Dan", "Eve"]) {
            ids.push(world.subscriber(&phone(number), name).await);
        }
        world.consent(&phone(1), ConsentAction::Revoke).await;
        for (id, city, points) in [(ids[0], "Rome", "7"), (ids[2], "Rome", "30"), (ids[3], "Oslo", "100")] {
            let input: ContactInput =
                serde_json::from_value(json!({ "attributes": { "city": city, "points": points } })).unwrap();
            contacts::change(store, ctx, ws, id, input).await.unwrap();
        }
        assert_eq!(all(&world, query()).await, ["Eve", "Dan", "Cleo", "Ben", "Ana"], "{}", world.test.engine);
        let oldest = GridQuery { sort: ContactSort::Oldest, ..query() };
        assert_eq!(all(&world, oldest.clone()).await, ["Ana", "Ben", "Cleo", "Dan", "Eve"]);
        use FieldOperator::{AtLeast, AtMost, Contains, Equals, Exists, Missing, NotEquals};
        for (filters, expected) in [
            (vec![filter("city", Equals, "rome")], vec!["Ana", "Cleo"]),
            (vec![filter("city", NotEquals, "rome")], vec!["Ben", "Dan", "Eve"]),
            (vec![filter("city", Missing, "")], vec!["Ben", "Eve"]),
            (vec![filter("city", Exists, ""), filter("points", AtLeast, "30")], vec!["Cleo", "Dan"]),
            (vec![filter("points", AtMost, "30")], vec!["Ana", "Cleo"]),
            (vec![filter("sms_consent", Equals, "revoked")], vec!["Ben"]),
            (vec![filter("first_name", Contains, "E")], vec!["Ben", "Cleo", "Eve"]),
        ] {
            let query = GridQuery { filters: filters.clone(), ..oldest.clone() };
            assert_eq!(all(&world, query).await, expected, "{filters:?}");
        }
        let found = GridQuery { search: "cle".to_owned(), ..oldest };
        assert_eq!(all(&world, found).await, ["Cleo"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_nobody_meets_gives_short_pages_with_where_to_go_on() {
    for world in worlds().await {
        let (ws, ctx) = (world.ws(), world.test.ctx.clone());
        world
            .write(move |tx| {
                for number in 0..u32::try_from(grid::SCANNED).unwrap() + 600 {
                    let fields = ContactFields { phone: phone(number).parse().ok(), ..ContactFields::default() };
                    tx.upsert_contact_with_changes(ws, ctx.id(), &fields, ctx.now())?;
                }
                Ok(())
            })
            .await;
        let query = GridQuery { filters: vec![filter("city", FieldOperator::Exists, "")], ..query() };
        let page = grid::page(&world.test.store, world.ws(), query.clone()).await.unwrap();
        assert!(page.contacts.is_empty() && page.next.is_some(), "{}", world.test.engine);
        let last = GridQuery { after: page.next, ..query };
        assert!(grid::page(&world.test.store, world.ws(), last).await.unwrap().next.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_fields_as_there_may_be_can_still_be_changed() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let field = |number: u32, kind| AttributeInput { label: format!("Field {number}"), kind, choices: Vec::new() };
        for number in 0..200 {
            attributes::define(store, ctx, ws, field(number, AttributeKind::Text)).await.unwrap();
        }
        let refused = attributes::define(store, ctx, ws, field(200, AttributeKind::Text)).await.unwrap_err();
        assert_eq!(refused.field(), Some("label"), "{engine}");
        let changed = attributes::define(store, ctx, ws, field(7, AttributeKind::Number)).await.unwrap();
        assert_eq!(changed.kind, AttributeKind::Number, "{engine}");
        assert_eq!(attributes::list(store, ws).await.unwrap().len(), 200, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_attributes_are_checked_wherever_they_are_written() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let tier = AttributeInput {
            label: "Loyalty tier".to_owned(),
            kind: AttributeKind::Choice,
            choices: vec!["Gold".to_owned(), "Silver".to_owned()],
        };
        let defined = attributes::define(store, ctx, ws, tier.clone()).await.unwrap();
        assert_eq!(defined.name, "loyalty_tier");
        let empty = AttributeInput { choices: Vec::new(), ..tier.clone() };
        assert_eq!(attributes::define(store, ctx, ws, empty).await.unwrap_err().field(), Some("choices"));
        let phone = AttributeInput { label: "Phone".to_owned(), kind: AttributeKind::Text, choices: Vec::new() };
        assert_eq!(attributes::define(store, ctx, ws, phone).await.unwrap_err().field(), Some("label"));

        let with = |value: &str| -> ContactInput {
            serde_json::from_value(json!({ "first_name": "Ana", "attributes": { "loyalty_tier": value } })).unwrap()
        };
        let ana = contacts::create(store, ctx, ws, with("GOLD")).await.unwrap();
        assert_eq!(ana.attributes["loyalty_tier"], "Gold");
        let refused = contacts::change(store, ctx, ws, ana.id, with("bronze")).await.unwrap_err();
        assert!(refused.to_string().contains("Gold, Silver"), "{refused}");
        attributes::forget(store, ws, "loyalty_tier".to_owned()).await.unwrap();
        let free = contacts::change(store, ctx, ws, ana.id, with("bronze")).await.unwrap();
        assert_eq!(free.attributes["loyalty_tier"], "bronze", "{}", world.test.engine);
        assert!(attributes::forget(store, ws, "loyalty_tier".to_owned()).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_own_or_shared_and_changed_by_their_owner_alone() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let other = Actor::ApiKey { id: ctx.id(), name: "Other".to_owned(), role: segue_model::role::Role::Marketer };
        let input = |name: &str, shared| ViewInput {
            name: name.to_owned(),
            shared,
            query: serde_json::from_value::<ViewQuery>(json!({ "search": "ana", "columns": ["phone"] })).unwrap(),
        };
        let own = grid::save_view(store, ctx, ws, &Actor::System, None, input("Own", false)).await.unwrap();
        let shared = grid::save_view(store, ctx, ws, &Actor::System, None, input("Shared", true)).await.unwrap();
        let names = |views: Vec<segue_store::contact_view::ContactViewRecord>| -> Vec<String> {
            views.into_iter().map(|view| view.name).collect()
        };
        assert_eq!(names(grid::views(store, ws, &Actor::System).await.unwrap()), ["Own", "Shared"]);
        assert_eq!(names(grid::views(store, ws, &other).await.unwrap()), ["Shared"]);
        assert!(grid::save_view(store, ctx, ws, &other, Some(shared.id), input("Mine", true)).await.is_err());
        assert!(grid::delete_view(store, ws, &other, shared.id).await.is_err());
        grid::save_view(store, ctx, ws, &Actor::System, Some(own.id), input("Renamed", true)).await.unwrap();
        assert_eq!(names(grid::views(store, ws, &other).await.unwrap()), ["Renamed", "Shared"]);
        grid::delete_view(store, ws, &Actor::System, own.id).await.unwrap();
        assert_eq!(names(grid::views(store, ws, &other).await.unwrap()), ["Shared"], "{}", world.test.engine);
        assert!(grid::save_view(store, ctx, ws, &other, None, input(" ", true)).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn further_addresses_have_an_order_and_belong_to_one_contact() {
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let (ana, ben) = (world.test.contact(&phone(1), "Ana").await, world.test.contact(&phone(2), "Ben").await);
        let of = |texts: &[&str]| -> Vec<AddressInput> {
            let kind = |text: &str| if text.contains('@') { AddressKind::Email } else { AddressKind::Phone };
            texts.iter().map(|text| AddressInput { kind: kind(text), address: (*text).to_owned() }).collect()
        };
        let set = contact_addresses::set(store, ctx, ws, ana, of(&["(212) 555-0199", "a@example.com"])).await.unwrap();
        let shown: Vec<_> = set.iter().map(|address| (address.address.as_str(), address.priority)).collect();
        assert_eq!(shown, [("+12125550199", 1), ("a@example.com", 2)]);
        for (id, taken) in [(ben, "+12125550199"), (ben, "+12125550001"), (ana, "+12125550001")] {
            let taken = taken.replace("+12125550001", &phone(1));
            let refused = contact_addresses::set(store, ctx, ws, id, of(&[&taken])).await.unwrap_err();
            assert_eq!(refused.code(), "address_taken");
        }
        for wrong in ["12", "nobody@"] {
            assert!(contact_addresses::set(store, ctx, ws, ana, of(&[wrong])).await.is_err());
        }
        let kept = contact_addresses::list(store, ws, ana).await.unwrap();
        assert_eq!(kept, set, "a refused change leaves what was there: {}", world.test.engine);
        let taken: ContactInput = serde_json::from_value(json!({ "phone": "+12125550199" })).unwrap();
        assert_eq!(contacts::change(store, ctx, ws, ben, taken).await.unwrap_err().code(), "phone_taken");
        assert!(contact_addresses::set(store, ctx, ws, ana, Vec::new()).await.unwrap().is_empty());
    }
}

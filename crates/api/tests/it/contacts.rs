//! Contacts over HTTP: keys and further addresses, the table with filters and views, several at once and back, merging.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::{
    sample::sample,
    support::{Answer, Server, json as body, request, servers, with, with_key},
};

const CONTACTS: &str = "/api/v1/contacts";

async fn add(server: &Server, key: &str, contact: Value) -> String {
    let made = server.post(key, CONTACTS, &contact).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn put(server: &Server, key: &str, path: &str, input: &Value) -> Answer {
    server.send(with_key(body(Method::PUT, path, input), key)).await
}

async fn delete(server: &Server, key: &str, path: &str) -> StatusCode {
    server.send(with_key(request(Method::DELETE, path), key)).await.status
}

async fn names(server: &Server, key: &str, path: &str) -> Vec<String> {
    let page = server.get(key, path).await.json();
    let found = page["data"].as_array().unwrap().iter();
    found.map(|contact| contact["first_name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_found_by_its_key_and_has_addresses_in_an_order() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let ana =
            add(&server, &key, json!({"phone": "+12125550100", "first_name": "Ana", "external_key": "K/1 ü"})).await;
        add(&server, &key, json!({"phone": "+12125550101", "first_name": "Ben"})).await;
        let found = "/api/v1/contacts?external_key=K%2F1%20%C3%BC";
        assert_eq!(names(&server, &key, found).await, ["Ana"], "{}", server.test.engine);
        assert!(names(&server, &key, "/api/v1/contacts?external_key=K").await.is_empty());
        let taken = server.post(&key, CONTACTS, &json!({"first_name": "Cleo", "external_key": "K/1 ü"})).await;
        assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "key_taken"));

        let path = format!("{CONTACTS}/{ana}/addresses");
        let input = json!({"addresses": [{"kind": "email", "address": "a@example.com"},
            {"kind": "phone", "address": "(212) 555-0199"}, {"kind": "key", "address": "OLD-1"}]});
        let set = put(&server, &key, &path, &input).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text());
        assert_eq!(server.get(&key, &path).await.json(), set.json());
        assert_eq!(set.json()["data"][1]["address"], json!("+12125550199"));
        assert_eq!(names(&server, &key, "/api/v1/contacts?external_key=OLD-1").await, ["Ana"]);
        for (address, code) in [("+12125550101", "address_taken"), ("12", "invalid_field")] {
            let input = json!({"addresses": [{"kind": "phone", "address": address}]});
            assert_eq!(put(&server, &key, &path, &input).await.code(), code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_filtered_and_its_views_and_fields_are_kept() {
    for server in servers().await {
        let (key, other) = (server.key(Role::Marketer).await, server.key(Role::Agent).await);
        let field = json!({"label": "Points", "kind": "number"});
        assert_eq!(server.post(&key, "/api/v1/attributes", &field).await.json()["name"], json!("points"));
        for (name, points) in [("Ana", "7"), ("Ben", "30"), ("Cleo", "100")] {
            add(&server, &key, json!({"first_name": name, "attributes": {"points": points}})).await;
        }
        let many = server.post(&key, CONTACTS, &json!({"first_name": "D", "attributes": {"points": "many"}})).await;
        assert_eq!(many.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", many.text());
        assert!(many.text().contains("'Points' is a number"), "{}", many.text());

        // [{"field":"points","op":"at_least","value":"30"}]
        let filter = "%5B%7B%22field%22%3A%22points%22%2C%22op%22%3A%22at_least%22%2C%22value%22%3A%2230%22%7D%5D";
        let path = format!("{CONTACTS}?sort=oldest&filters={filter}");
        assert_eq!(names(&server, &key, &path).await, ["Ben", "Cleo"], "{}", server.test.engine);
        for wrong in ["filters=%5B%7B%7D%5D", "filters=x", "sort=upwards"] {
            let answer = server.get(&key, &format!("{CONTACTS}?{wrong}")).await;
            assert!(answer.status.is_client_error(), "{wrong}: {}", answer.text());
        }

        let view = json!({"name": "Best", "query": {"sort": "oldest", "columns": ["points"],
            "filters": [{"field": "points", "op": "at_least", "value": "30"}]}});
        let made = server.post(&key, "/api/v1/contact-views", &view).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let path = format!("/api/v1/contact-views/{}", made.json()["id"].as_str().unwrap());
        let count =
            async |key: &str| server.get(key, "/api/v1/contact-views").await.json()["data"].as_array().unwrap().len();
        assert_eq!((count(&key).await, count(&other).await), (1, 0), "it is not shared");
        let mut shared = view.clone();
        shared["shared"] = json!(true);
        assert_eq!(put(&server, &other, &path, &shared).await.status, StatusCode::NOT_FOUND);
        assert_eq!(put(&server, &key, &path, &shared).await.json()["shared"], json!(true));
        assert_eq!(count(&other).await, 1);
        assert_eq!(delete(&server, &other, &path).await, StatusCode::NOT_FOUND);
        assert_eq!(delete(&server, &key, &path).await, StatusCode::NO_CONTENT);

        assert_eq!(delete(&server, &key, "/api/v1/attributes/points").await, StatusCode::NO_CONTENT);
        assert_eq!(delete(&server, &key, "/api/v1/attributes/points").await, StatusCode::NOT_FOUND);
        add(&server, &key, json!({"first_name": "D", "attributes": {"points": "many"}})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_listed_and_deleted_at_once_and_come_back_once() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let mut ids = Vec::new();
        for name in ["Ana", "Ben", "Cleo"] {
            ids.push(add(&server, &key, json!({"first_name": name})).await);
        }
        let list = server.post(&key, "/api/v1/lists", &json!({"name": "All"})).await.json();
        let members = format!("/api/v1/lists/{}/members", list["id"].as_str().unwrap());
        for (action, who, changed) in [("add", &ids[..], 3), ("add", &ids[..], 0), ("remove", &ids[1..2], 1)] {
            let answer = server.post(&key, &members, &json!({"action": action, "contact_ids": who})).await;
            assert_eq!(answer.json()["changed"], json!(changed), "{}", answer.text());
        }
        let nobody = server.post(&key, &members, &json!({"action": "add", "contact_ids": []})).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);

        // The same request made again is the same deletion.
        let delete = || {
            let input = json!({ "contact_ids": &ids[..2] });
            let request = with_key(body(Method::POST, "/api/v1/contact-deletions", &input), &key);
            server.send(with(request, "idempotency-key", "once"))
        };
        let (first, second) = (delete().await, delete().await);
        assert_eq!((first.status, first.json()["deleted"].clone()), (StatusCode::CREATED, json!(2)));
        assert_eq!(second.json(), first.json(), "{}", server.test.engine);
        assert_eq!(names(&server, &key, CONTACTS).await, ["Cleo"]);
        let undo = format!("/api/v1/contact-deletions/{}/undo", first.json()["id"].as_str().unwrap());
        assert_eq!(server.post(&key, &undo, &json!({})).await.json()["changed"], json!(2));
        assert_eq!(names(&server, &key, CONTACTS).await, ["Cleo", "Ben", "Ana"]);
        assert_eq!(server.post(&key, &undo, &json!({})).await.status, StatusCode::NOT_FOUND, "once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_are_merged_once_and_part_again() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let ana = add(&server, &key, json!({"phone": "+12125550100", "first_name": "Ana"})).await;
        let anna = add(&server, &key, json!({"email": "a@example.com", "first_name": "Anna"})).await;
        let merge = || {
            let input = json!({"kept_id": ana, "merged_id": anna, "take": ["first_name"]});
            let request = with_key(body(Method::POST, "/api/v1/contact-merges", &input), &key);
            server.send(with(request, "idempotency-key", "once"))
        };
        let (first, second) = (merge().await, merge().await);
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        assert_eq!(second.json(), first.json(), "{}", server.test.engine);
        let merged = server.get(&key, &format!("{CONTACTS}/{ana}")).await.json();
        assert_eq!((merged["first_name"].clone(), merged["email"].clone()), (json!("Anna"), json!("a@example.com")));
        assert_eq!(server.get(&key, &format!("{CONTACTS}/{anna}")).await.status, StatusCode::NOT_FOUND);
        let page = server.get(&key, "/api/v1/contact-merges").await.json();
        assert_eq!(page["data"][0], first.json());
        let undo = format!("/api/v1/contact-merges/{}/undo", first.json()["id"].as_str().unwrap());
        assert_eq!(server.post(&key, &undo, &json!({})).await.status, StatusCode::OK);
        let again = server.post(&key, &undo, &json!({})).await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "merge_state"));
        let parted = server.get(&key, &format!("{CONTACTS}/{ana}")).await.json();
        assert_eq!((parted["first_name"].clone(), parted["email"].clone()), (json!("Ana"), Value::Null));

        assert_eq!(server.get(&key, "/api/v1/duplicates/search").await.json()["search"], Value::Null);
        let begun = server.post(&key, "/api/v1/duplicates/search", &json!({})).await;
        assert_eq!((begun.status, begun.json()["state"].clone()), (StatusCode::ACCEPTED, json!("running")));
        let running = server.post(&key, "/api/v1/duplicates/search", &json!({})).await.json();
        assert_eq!(running["started_at"], begun.json()["started_at"], "one at a time");
        assert_eq!(server.get(&key, "/api/v1/duplicates").await.json()["data"], json!([]));
        assert_eq!(server.get(&key, "/api/v1/duplicates?cursor=x").await.status, StatusCode::BAD_REQUEST);
        let pair = json!({"first_id": ana, "second_id": anna});
        assert_eq!(server.post(&key, "/api/v1/duplicates/dismiss", &pair).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_another_workspace_in_a_body_touch_nothing_there() {
    for server in servers().await {
        let (a, b) = (sample(&server, "a").await, sample(&server, "b").await);
        let theirs = format!("{CONTACTS}/{}", b.id("con"));
        let before = server.get(&b.key, &theirs).await.json();
        let members = format!("/api/v1/lists/{}/members", a.id("lst"));
        for (path, input, status, changed) in [
            ("/api/v1/contact-merges", json!({"kept_id": a.id("con"), "merged_id": b.id("con")}), 404, None),
            ("/api/v1/contact-merges", json!({"kept_id": b.id("con"), "merged_id": a.id("con")}), 404, None),
            ("/api/v1/duplicates/dismiss", json!({"first_id": a.id("con"), "second_id": b.id("con")}), 404, None),
            ("/api/v1/contact-deletions", json!({"contact_ids": [b.id("con")]}), 201, Some("deleted")),
            (&members, json!({"action": "add", "contact_ids": [b.id("con")]}), 200, Some("changed")),
            (&members, json!({"action": "remove", "contact_ids": [b.id("con")]}), 200, Some("changed")),
        ] {
            let answer = server.post(&a.key, path, &input).await;
            assert_eq!(answer.status.as_u16(), status, "{} {path}: {}", server.test.engine, answer.text());
            if let Some(changed) = changed {
                assert_eq!(answer.json()[changed], json!(0), "{path}");
            }
        }
        assert_eq!(server.get(&b.key, &theirs).await.json(), before);
        let lists = server.get(&b.key, "/api/v1/lists").await.json();
        assert_eq!(lists["data"][0]["member_count"], json!(1));
    }
}

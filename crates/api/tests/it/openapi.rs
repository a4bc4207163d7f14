//! The committed description of the API is that of the routes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::support::{PASSWORD, get, json as body_of, server, with, with_key};

/// `UPDATE_OPENAPI=1 cargo nextest run -p segue-api` writes it anew.
#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let mut current = serde_json::to_string_pretty(&segue_api::openapi()).unwrap();
    current.push('\n');
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "web/openapi.json is not that of the routes; run with UPDATE_OPENAPI=1 and commit it"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(segue_api::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}: {name} is taken");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} documents no problems");
            assert!(operation["x-segue-permission"].is_string(), "{method} {path} says not who may call it");
        }
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "$ref" => {
                        references.insert(text.clone());
                    }
                    other => collect(other, references),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// Of each POST with a login: whether its documentation takes an `Idempotency-Key`.
fn keyed() -> BTreeMap<String, bool> {
    let document = serde_json::to_value(segue_api::openapi()).unwrap();
    let mut keyed = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let post = &item["post"];
        if post["security"].is_null() {
            continue;
        }
        let parameters = post["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let takes = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let says = post["description"].as_str().unwrap_or_default().contains("A repeat is done again.");
        assert_ne!(takes, says, "{path}");
        keyed.insert(path.clone(), takes);
    }
    keyed
}

#[tokio::test]
async fn the_key_of_a_request_is_documented_where_it_counts() {
    let (server, keyed) = (server().await, keyed());
    assert!(keyed.values().filter(|takes| **takes).count() > 50 && keyed.values().any(|takes| !takes), "{keyed:?}");
    let key = server.key(Role::Admin).await;
    let user = json!({"email": "a@segue.test", "name": "Ana", "role": "agent", "password": PASSWORD});
    let cases = [
        ("/api/v1/lists", json!({"name": "A"})),
        ("/api/v1/queues", json!({"name": "Q"})),
        ("/api/v1/users", user),
        ("/api/v1/api-keys", json!({"name": "K", "role": "agent"})),
    ];
    for (path, body) in cases {
        let send = || {
            let request = with_key(body_of(Method::POST, path, &body), &key);
            server.send(with(request, "idempotency-key", "the-same"))
        };
        let first = send().await;
        assert_ne!(first.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(send().await.header("idempotency-replayed") == "true", keyed[path], "{path}: {}", first.text());
        server.test.clock.advance(segue_store::idempotency::KEPT + 1);
    }
}

#[test]
fn events_are_described_as_one_of_their_types() {
    let document = serde_json::to_value(segue_api::openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    let union = schemas["LiveEvent"]["oneOf"].as_array().unwrap();
    assert_eq!(union.len(), 19);
    assert_eq!(schemas["MessageCreatedEvent"]["properties"]["type"]["enum"][0], "message.created");
    assert_eq!(
        schemas["MessageCreatedEvent"]["properties"]["data"]["properties"]["message"]["$ref"],
        "#/components/schemas/Message"
    );
}

#[tokio::test]
async fn the_document_is_served() {
    let answer = server().await.send(get("/api/openapi.json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["info"]["title"], "Segue");
}

/// A type of the standard library in a field gets a schema under its own name, which says nothing to who reads it.
#[test]
fn no_schema_is_named_after_a_type_of_the_language() {
    let document = serde_json::to_value(segue_api::openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in ["BTreeMap", "HashMap", "BTreeSet", "HashSet", "Vec", "Option", "String", "Value", "Object"] {
        assert!(!schemas.contains_key(name), "{name}");
    }
    assert!(schemas.contains_key("RowFields"));
}

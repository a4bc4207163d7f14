//! The committed description of the API is that of the routes.

use std::{collections::BTreeSet, path::Path};

use http::StatusCode;
use serde_json::Value;

use crate::support::{get, server};

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

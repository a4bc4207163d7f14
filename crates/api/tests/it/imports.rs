//! Imports of contacts over HTTP.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::support::{Server, form, server, servers, with_key};

const FILE: &str = "Name,Mobile,Agreed\nAnn,+15550107001,yes\nBea,12,yes\nCid,+15550107003,no\n";

fn upload(options: &Value) -> Request<Body> {
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n{FILE}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"options\"\r\n\r\n{options}\r\n--x--\r\n"
    );
    let builder = Request::builder().method(Method::POST).uri("/api/v1/imports");
    builder.header("content-type", "multipart/form-data; boundary=x").body(Body::from(body)).unwrap()
}

async fn finished(server: &Server, key: &str, path: &str) -> Value {
    let wait = async {
        loop {
            let import = server.get(key, path).await.json();
            if import["state"] != "running" {
                return import;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the import ends")
}

#[tokio::test]
async fn a_file_becomes_contacts_and_its_bad_rows_can_be_read() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let options = json!({
            "list_name": "Spring", "mapping": {"Name": "first_name", "Mobile": "phone"}, "default_country": "US",
            "consent": {"column": "Agreed", "wording": "I agree to texts", "method": "web_form"},
        });
        let begun = server.send(with_key(upload(&options), &key)).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
        let path = format!("/api/v1/imports/{}", begun.json()["id"].as_str().unwrap());
        let import = finished(&server, &key, &path).await;
        let figures = ["state", "rows_read", "created", "rejected", "opted_in"].map(|name| import[name].clone());
        assert_eq!(
            figures,
            [json!("done"), json!(3), json!(2), json!(1), json!(1)],
            "{}: {import}",
            server.test.engine
        );
        let errors = server.get(&key, &format!("{path}/errors.csv")).await;
        assert!(errors.header("content-type").starts_with("text/csv"));
        assert!(errors.header("content-disposition").starts_with("attachment"));
        assert!(errors.text().contains("Bea"), "{}", errors.text());
        let list = format!("/api/v1/contacts?list_id={}", import["list_id"].as_str().unwrap());
        assert_eq!(server.get(&key, &list).await.json()["data"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn options_are_checked_and_no_file_stays_behind() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        segue_api::ApiConfig { upload_directory: Some(directory.path().to_owned()), ..segue_api::ApiConfig::default() };
    let server = Server::configured(segue_testkit::sqlite_store().await, config).await;
    let key = server.key(Role::Marketer).await;
    for (options, field) in [
        (json!({"mapping": {"Mobile": "phone"}, "colour": 1}), "options.colour"),
        (json!({"mapping": 7}), "options.mapping"),
    ] {
        let answer = server.send(with_key(upload(&options), &key)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    let looked = server.send(with_key(form("/api/v1/imports/preview", "p.csv", FILE.as_bytes(), "y"), &key)).await;
    assert_eq!(looked.json()["columns"][1]["suggestion"], "phone", "{}", looked.text());
    assert_eq!(looked.json()["rows_estimated"], 3);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_form_without_its_parts_is_refused() {
    let server = server().await;
    let key = server.key(Role::Marketer).await;
    let answer = server.send(with_key(form("/api/v1/imports", "p.csv", FILE.as_bytes(), "y"), &key)).await;
    assert_eq!(answer.json()["errors"][0]["field"], "options");
    let plain = crate::support::json(Method::POST, "/api/v1/imports", &json!({}));
    assert_eq!(server.send(with_key(plain, &key)).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

//! Imports of contacts over HTTP.

use http::{Method, StatusCode};
use segue_model::role::Role;
use segue_outreach::import;
use serde_json::{Value, json};

use crate::support::{Server, form, server, servers, with_key};

const FILE: &str = "Name,Mobile,Agreed\nAnn,+15550107001,yes\nBea,12,yes\nCid,+15550107003,no\n";

async fn upload(server: &Server, key: &str) -> Value {
    let answer = server.send(with_key(form("/api/v1/import-files", "p.csv", FILE.as_bytes(), "y"), key)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    answer.json()
}

fn options() -> Value {
    json!({
        "list_name": "Spring", "mapping": {"Name": "first_name", "Mobile": "phone"}, "default_country": "US",
        "consent": {"column": "Agreed", "wording": "I agree to texts", "method": "web_form"},
    })
}

/// Does what the worker does with the import's job.
async fn work(server: &Server, id: &Value) {
    let id = id.as_str().unwrap().parse().unwrap();
    import::run(&server.test.store, &server.test.ctx, server.workspace_id(), id, |_| {}).await.unwrap();
}

#[tokio::test]
async fn a_file_becomes_contacts_its_bad_rows_can_be_read_and_it_can_be_undone() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let file = upload(&server, &key).await;
        assert_eq!((&file["row_count"], &file["columns"][1]["suggestion"]), (&json!(3), &json!("phone")));
        let tried = json!({ "file_id": file["id"], "mode": "dry_run", "options": options() });
        let begun = server.post(&key, "/api/v1/imports", &tried).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
        work(&server, &begun.json()["id"]).await;
        let path = format!("/api/v1/imports/{}", begun.json()["id"].as_str().unwrap());
        let tried = server.get(&key, &path).await.json();
        assert_eq!((&tried["state"], &tried["created"]), (&json!("done"), &json!(2)), "{tried}");
        assert_eq!(server.get(&key, "/api/v1/contacts").await.json()["data"].as_array().map(Vec::len), Some(0));

        let begun = server.post(&key, "/api/v1/imports", &json!({ "file_id": file["id"], "options": options() })).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
        let path = format!("/api/v1/imports/{}", begun.json()["id"].as_str().unwrap());
        let early = server.post(&key, &format!("{path}/undo"), &json!({})).await;
        assert_eq!((early.status, &early.json()["code"]), (StatusCode::CONFLICT, &json!("import_state")));
        work(&server, &begun.json()["id"]).await;
        let import = server.get(&key, &path).await.json();
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

        let counts = server.get(&key, &format!("{path}/undo")).await.json();
        assert_eq!((&counts["removed"], &counts["withdrawn"]), (&json!(2), &json!(1)));
        let undoing = server.post(&key, &format!("{path}/undo"), &json!({})).await;
        assert_eq!((undoing.status, &undoing.json()["state"]), (StatusCode::ACCEPTED, &json!("undoing")));
        let gone = server.get(&key, &format!("/api/v1/import-files/{}", file["id"].as_str().unwrap())).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "an imported file is not kept");
    }
}

#[tokio::test]
async fn options_are_checked_and_no_file_stays_behind() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        segue_api::ApiConfig { upload_directory: Some(directory.path().to_owned()), ..segue_api::ApiConfig::default() };
    let server = Server::configured(segue_testkit::sqlite_store().await, config).await;
    let key = server.key(Role::Marketer).await;
    let file = upload(&server, &key).await;
    for (options, field) in [
        (json!({"mapping": {"Mobile": "phone"}, "colour": 1}), "options.colour"),
        (json!({"mapping": 7}), "options.mapping"),
        (json!({"mapping": {"Phone": "phone"}}), "mapping"),
        (json!({"mapping": {"Name": "first_name"}}), "mapping"),
    ] {
        let body = json!({ "file_id": file["id"], "options": options });
        let answer = server.post(&key, "/api/v1/imports", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    let broken = server.send(with_key(form("/api/v1/import-files", "p.csv", b"PK\x03\x04", "y"), &key)).await;
    assert_eq!(broken.json()["code"], "unreadable_file", "{}", broken.text());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_form_without_its_file_is_refused() {
    let server = server().await;
    let key = server.key(Role::Marketer).await;
    let mut other = form("/api/v1/import-files", "p.csv", FILE.as_bytes(), "y");
    *other.body_mut() =
        axum::body::Body::from("--y\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--y--\r\n");
    let answer = server.send(with_key(other, &key)).await;
    assert_eq!(answer.json()["errors"][0]["field"], "file", "{}", answer.text());
    let plain = crate::support::json(Method::POST, "/api/v1/import-files", &json!({}));
    assert_eq!(server.send(with_key(plain, &key)).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

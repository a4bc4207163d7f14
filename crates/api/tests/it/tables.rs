//! Tables beside the contacts over HTTP: made, filled, asked, exported and removed.

use http::{Method, StatusCode};
use segue_model::{TableId, Timestamp, WorkspaceId, attribute::AttributeKind, role::Role};
use segue_store::{
    StoreError, Tx,
    table::{DataTable, TableColumn},
    table_row::NewRow,
};
use serde_json::json;

use crate::support::{json as body, request, servers, with_key};

/// A table with a row, for the sample of a workspace.
pub fn fill(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: TableId, now: Timestamp) -> Result<(), StoreError> {
    let column = TableColumn {
        name: "number".to_owned(),
        label: "Number".to_owned(),
        kind: AttributeKind::Text,
        choices: Vec::new(),
        is_key: true,
    };
    let table = DataTable {
        id,
        name: "orders".to_owned(),
        label: "B's orders".to_owned(),
        columns: vec![column],
        link: None,
        row_count: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    tx.insert_table(workspace_id, &table)?;
    let fields = [("number".to_owned(), "1".to_owned())].into();
    tx.put_rows(workspace_id, id, &[NewRow { key: "1".to_owned(), fields, link: None, country: None }], now).map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_filled_asked_exported_and_removed() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let made = server.post(&key, "/api/v1/contacts", &json!({"phone": "+15550101000", "first_name": "Ana"})).await;
        let contact = made.json()["id"].clone();
        let input = json!({"label": "Orders", "columns": [
            {"label": "Shop", "kind": "text", "is_key": true},
            {"label": "Order No.", "kind": "number", "is_key": true},
            {"label": "Phone", "kind": "text"},
            {"label": "Status", "kind": "choice", "choices": ["Open", "Paid"]}],
            "link": {"column": "Phone", "by": "phone"}});
        let made = server.post(&key, "/api/v1/tables", &input).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let table = made.json();
        assert_eq!((table["name"].as_str(), table["columns"][1]["name"].as_str()), (Some("orders"), Some("order_no")));
        let twin = server.post(&key, "/api/v1/tables", &input).await;
        assert_eq!((twin.status, twin.code()), (StatusCode::CONFLICT, "table_taken".to_owned()));
        let path = format!("/api/v1/tables/{}", table["id"].as_str().unwrap());

        let rows = json!({"rows": [
            {"shop": "A", "order_no": "1", "phone": "+15550101000", "status": "open"},
            {"shop": "A", "order_no": "2", "status": "paid"},
            {"shop": "A", "order_no": "x"}]});
        let send = || body(Method::POST, &format!("{path}/rows"), &rows);
        let once = |name: &str| {
            let mut request = with_key(send(), &key);
            request.headers_mut().insert("idempotency-key", name.parse().unwrap());
            request
        };
        let written = server.send(once("a")).await;
        assert_eq!(written.status, StatusCode::OK, "{}", written.text());
        let written = written.json();
        assert_eq!((&written["created"], &written["problems"][0]["index"]), (&json!(2), &json!(2)), "{written}");
        assert_eq!(server.send(once("a")).await.json(), written, "the same request gets the same answer");
        assert_eq!(server.send(once("b")).await.json()["unchanged"], json!(2));
        let one = with_key(
            body(Method::PUT, &format!("{path}/row"), &json!({"fields": {"shop": "B", "order_no": "7"}})),
            &key,
        );
        assert_eq!(server.send(one).await.json()["key"], json!("B\u{1f}7"));
        let create = async |number: &str| {
            let fields = json!({"fields": {"shop": " B", "order_no": number, "status": "open"}, "create_only": true});
            server.send(with_key(body(Method::PUT, &format!("{path}/row"), &fields), &key)).await
        };
        let taken = create("7").await;
        assert_eq!((taken.status, taken.code()), (StatusCode::CONFLICT, "row_taken".to_owned()), "{}", taken.text());
        assert_eq!(create("8").await.json()["key"], json!("B\u{1f}8"));
        let all = server.get(&key, &format!("{path}/rows")).await.json();
        let known = all["data"].as_array().unwrap().iter().find(|row| row["key"] == "B\u{1f}7").unwrap();
        assert_eq!(known["fields"], json!({"shop": "B", "order_no": "7"}), "it is left as it was");
        let keys = json!({"keys": [["B", "8"]]});
        assert_eq!(server.post(&key, &format!("{path}/row-deletions"), &keys).await.json()["deleted"], json!(1));
        let wrong = with_key(body(Method::PUT, &format!("{path}/row"), &json!({"fields": {"shop": "B"}})), &key);
        assert_eq!(server.send(wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);

        let page = server.get(&key, &format!("{path}/rows?limit=2")).await.json();
        assert_eq!(page["data"][0]["contact_name"], json!("Ana"));
        let next = page["next_cursor"].as_str().unwrap().replace('\u{1f}', "%1F");
        let rest = server.get(&key, &format!("{path}/rows?limit=2&cursor={next}")).await.json();
        assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &json!(null)), "{rest}");
        let open = server.get(&key, &format!("{path}/rows?condition=row.status%20%3D%3D%20%22Open%22")).await.json();
        assert_eq!(open["data"].as_array().unwrap().len(), 1, "{open}");
        let hers = server.get(&key, &format!("{path}/rows?contact_id={}", contact.as_str().unwrap())).await.json();
        assert_eq!(hers["data"].as_array().unwrap().len(), 1, "{hers}");
        let unread = server.get(&key, &format!("{path}/rows?condition=nothing")).await;
        assert_eq!((unread.status, unread.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_condition".to_owned()));
        let csv = server.get(&key, &format!("{path}/rows.csv")).await.text();
        assert!(csv.starts_with("Shop,Order No.,Phone,Status\nA,1,"), "{csv}");

        let keys = json!({"keys": [["A", "2"], ["A", "9"]]});
        let deleted = server.post(&key, &format!("{path}/row-deletions"), &keys).await.json();
        assert_eq!((&deleted["deleted"], &deleted["problems"][0]["index"]), (&json!(1), &json!(1)), "{deleted}");
        let columns = json!([{"name": "shop", "label": "Branch", "kind": "text", "is_key": true},
            {"name": "order_no", "label": "Order No.", "kind": "number", "is_key": true}]);
        let change = json!({"label": "All orders", "columns": columns, "version": 1});
        let changed = server.patch(&key, &path, &change).await.json();
        assert_eq!((&changed["label"], &changed["link"]), (&json!("All orders"), &json!(null)), "{changed}");
        let stale = server.patch(&key, &path, &change).await;
        assert_eq!(stale.code(), "changed_meanwhile");
        let remove = || with_key(request(Method::DELETE, &path), &key);
        assert_eq!(server.send(remove()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(server.send(remove()).await.status, StatusCode::NOT_FOUND);
    }
}

//! Every route of the document against every role, as the one table of permissions says.

use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use segue_access::{Permission, permission};
use segue_api::{PERMISSION_EXTENSION, openapi};
use segue_model::role::Role;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::{Server, request, server, with_key};

/// One operation of the document, with ids of the right form in its address.
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// With `{…}` for the ids.
    pub path: String,
    pub permission: String,
    /// Prefixes of the ids in the address.
    pub prefixes: Vec<(String, String)>,
}

impl Operation {
    /// The address with each id made by `id`.
    pub fn address(&self, id: impl Fn(&str) -> String) -> String {
        self.prefixes
            .iter()
            .fold(self.path.clone(), |path, (name, prefix)| path.replace(&format!("{{{name}}}"), &id(prefix)))
    }
}

pub fn nobody(prefix: &str) -> String {
    if prefix.is_empty() { "unknown".to_owned() } else { format!("{prefix}_00000000000000000000000001") }
}

/// All operations of the document.
pub fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                permission: operation[PERMISSION_EXTENSION].as_str().unwrap().to_owned(),
                prefixes: in_path
                    .map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), prefix(&document, parameter)))
                    .collect(),
            });
        }
    }
    all
}

/// `con` for a parameter whose schema is that of a contact's id; nothing for other texts.
fn prefix(document: &Value, parameter: &Value) -> String {
    let schema = &parameter["schema"];
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    pattern.trim_start_matches('^').split_once('_').map(|(prefix, _)| prefix.to_owned()).unwrap_or_default()
}

/// Status and code; the body is read only when it is a problem, because an event stream has no end.
async fn ask(server: &Server, request: Request<axum::body::Body>) -> (StatusCode, String) {
    let response = server.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (status, String::new());
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_route_asks_for_the_permission_it_documents() {
    let server = server().await;
    let operations = operations();
    assert!(operations.len() > 80, "the document has lost routes: {}", operations.len());
    for operation in &operations {
        let address = operation.address(nobody);
        let (status, _) = ask(&server, request(operation.method.clone(), &address)).await;
        let is_open = operation.permission == "anybody";
        assert_eq!(status != StatusCode::UNAUTHORIZED, is_open, "{} without a login: {status}", operation.id);
    }
    for role in Role::ALL {
        let key = server.key(*role).await;
        for operation in &operations {
            let allowed = match operation.permission.as_str() {
                "anybody" | "signed_in" => true,
                word => permission::allows(*role, Permission::parse(word).unwrap()),
            };
            let address = operation.address(nobody);
            let (status, code) = ask(&server, with_key(request(operation.method.clone(), &address), &key)).await;
            let refused = status == StatusCode::FORBIDDEN && code == "forbidden";
            assert_eq!(refused, !allowed, "{} as {role}: {status} {code}", operation.id);
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{} as {role}", operation.id);
            assert!(
                !status.is_server_error() || operation.id == "check_channel",
                "{} as {role}: {status}",
                operation.id
            );
        }
    }
}

#[test]
fn routes_below_api_are_never_open_but_for_those_that_must_be() {
    let open: Vec<String> = operations()
        .into_iter()
        .filter(|operation| operation.permission == "anybody" && operation.path.starts_with("/api/"))
        .map(|operation| operation.id)
        .collect();
    assert_eq!(open, ["get_openapi", "login", "setup"]);
}

//! Templates created, changed and deleted, and examples uploaded, against a local server.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use segue_channels::{
    ErrorClass,
    whatsapp::{
        GraphClient, GraphConfig, GraphFailure,
        errors::Act,
        template_admin::{CreatedTemplate, TemplateForm},
    },
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const WABA: &str = "102290129340398";

#[derive(Clone)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }
}

type Answer = dyn Fn(&Seen) -> (u16, Value) + Send + Sync;

#[derive(Clone)]
struct Graph {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answer>,
}

impl Graph {
    async fn start(answer: impl Fn(&Seen) -> (u16, Value) + Send + Sync + 'static) -> (Self, GraphClient) {
        let graph = Self { seen: Arc::default(), answer: Arc::new(answer) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut config = GraphConfig::new("v26.0", "secret-token", "106540352242922", WABA);
        config.base_url = format!("http://{address}");
        (graph, GraphClient::new(config).unwrap())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn handle(State(graph): State<Graph>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap();
    let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    graph.seen.lock().unwrap().push(seen.clone());
    let (status, body) = (graph.answer)(&seen);
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body.to_string())
        .into_response()
}

fn form() -> TemplateForm {
    TemplateForm {
        name: "order_ready".to_owned(),
        language: "en_US".to_owned(),
        category: "UTILITY".to_owned(),
        parameter_format: "POSITIONAL".to_owned(),
        components: vec![json!({"type": "BODY", "text": "Your order is ready."})],
    }
}

#[tokio::test]
async fn a_template_is_created_as_documented_and_tells_the_category_it_was_taken_in() {
    let (graph, client) =
        Graph::start(|_| (200, json!({"id": "594425479261596", "status": "PENDING", "category": "MARKETING"}))).await;
    assert_eq!(
        client.create_template(&form()).await,
        Ok(CreatedTemplate {
            id: "594425479261596".to_owned(),
            status: "PENDING".to_owned(),
            category: Some("MARKETING".to_owned())
        })
    );
    let seen = graph.seen();
    assert_eq!(seen[0].line(), format!("POST /v26.0/{WABA}/message_templates"));
    assert_eq!(
        seen[0].json(),
        json!({"name": "order_ready", "language": "en_US", "category": "UTILITY", "parameter_format": "POSITIONAL",
               "components": [{"type": "BODY", "text": "Your order is ready."}]})
    );
    let (_, client) = Graph::start(|_| (200, json!({"success": true}))).await;
    assert_eq!(client.create_template(&form()).await, Err(GraphFailure::Unreadable { status: 200 }));
}

#[tokio::test]
async fn templates_are_changed_and_deleted_by_id_or_by_name() {
    let (graph, client) = Graph::start(|_| (200, json!({"success": true}))).await;
    let components = [json!({"type": "BODY", "text": "New."})];
    client.edit_template("59", None, &components).await.unwrap();
    client.edit_template("59", Some("MARKETING"), &components).await.unwrap();
    client.delete_template("order_ready", None).await.unwrap();
    client.delete_template("order_ready", Some("59")).await.unwrap();
    let seen = graph.seen();
    assert_eq!((seen[0].line(), seen[0].json()), ("POST /v26.0/59".to_owned(), json!({"components": components})));
    assert_eq!(seen[1].json(), json!({"category": "MARKETING", "components": components}));
    assert_eq!(seen[2].line(), format!("DELETE /v26.0/{WABA}/message_templates?name=order_ready"));
    assert_eq!(seen[3].line(), format!("DELETE /v26.0/{WABA}/message_templates?name=order_ready&hsm_id=59"));
}

#[tokio::test]
async fn one_template_is_found_by_its_id_or_by_its_whole_name_and_language() {
    let template = |name: &str, language: &str| {
        json!({"id": "1", "name": name, "language": language, "status": "REJECTED", "category": "UTILITY",
               "rejected_reason": "INVALID_FORMAT", "quality_score": {"score": "UNKNOWN"}, "components": []})
    };
    let (_, client) = Graph::start(move |seen| match seen.uri.path() {
        "/v26.0/1" => (200, template("a", "en-US")),
        "/v26.0/2" => (404, json!({"error": {"code": 803, "message": "(#803) gone"}})),
        _ => (200, json!({"data": [template("a_longer", "en_US"), template("a", "de"), template("a", "en-US")]})),
    })
    .await;
    let one = client.template("1").await.unwrap().unwrap();
    assert_eq!((one.language.as_str(), one.rejected_reason.as_deref()), ("en_US", Some("INVALID_FORMAT")));
    assert_eq!(client.template("2").await.unwrap(), None);
    let found = client.find_template("a", "en_US").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.language.as_str()), ("a", "en_US"));
    assert_eq!(client.find_template("a", "fr").await.unwrap(), None);
}

#[tokio::test]
async fn a_template_is_found_beyond_the_first_page_of_longer_names() {
    let (graph, client) = Graph::start(|seen| {
        let template = |name: String| {
            json!({"id": "1", "name": name, "language": "de", "status": "PENDING", "category": "UTILITY", "components": []})
        };
        if seen.uri.query().unwrap_or_default().contains("after=next") {
            return (200, json!({"data": [template("a".to_owned())], "paging": {"cursors": {"after": "end"}}}));
        }
        let longer: Vec<_> = (0..100).map(|number| template(format!("a_{number}"))).collect();
        (200, json!({"data": longer, "paging": {"cursors": {"after": "next"}, "next": "https://graph.example/next"}}))
    })
    .await;
    let found = client.find_template("a", "de").await.unwrap().unwrap();
    assert_eq!(found.name, "a");
    let seen = graph.seen();
    assert!(seen.iter().all(|seen| seen.line().contains("name=a&language=de")), "{}", seen[0].line());
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn an_example_is_uploaded_in_two_steps_to_the_tokens_app() {
    let (graph, client) = Graph::start(|seen| match seen.uri.path() {
        "/v26.0/debug_token" => (200, json!({"data": {"app_id": "634974688087057", "is_valid": true}})),
        "/v26.0/634974688087057/uploads" => (200, json!({"id": "upload:MTph?sig=ARZq-_1"})),
        _ => (200, json!({"h": "4::aW1hZ2U="})),
    })
    .await;
    let handle = client.upload_example("image/png", "a b.png", vec![1, 2, 3]).await.unwrap();
    assert_eq!(handle, "4::aW1hZ2U=");
    let seen = graph.seen();
    assert_eq!(
        seen[1].line(),
        "POST /v26.0/634974688087057/uploads?file_name=a+b.png&file_length=3&file_type=image%2Fpng"
    );
    assert_eq!(seen[2].line(), "POST /v26.0/upload:MTph?sig=ARZq-_1");
    assert_eq!(seen[2].headers["authorization"], "OAuth secret-token");
    assert_eq!(seen[2].headers["file_offset"], "0");
    assert_eq!(&seen[2].body[..], [1, 2, 3]);
}

#[tokio::test]
async fn the_token_does_not_follow_a_strange_upload_id() {
    for strange in ["https://evil.example/", "upload:../../x", "upload:@evil.example", "//evil.example", "upload:a b"] {
        let (graph, client) = Graph::start(move |seen| match seen.uri.path() {
            "/v26.0/debug_token" => (200, json!({"data": {"app_id": "1"}})),
            _ => (200, json!({"id": strange})),
        })
        .await;
        let failure = client.upload_example("image/png", "a.png", vec![1]).await.unwrap_err();
        assert_eq!(failure, GraphFailure::Invalid("upload's id"), "{strange}");
        assert_eq!(graph.seen().len(), 2, "{strange}");
    }
}

#[tokio::test]
async fn what_whatsapp_refuses_is_told_in_its_words_and_never_repeated() {
    // Template endpoints say what is wrong in `error_user_msg`, and `error_data` may be a plain text.
    let (_, client) = Graph::start(|_| {
        (
            400,
            json!({"error": {"code": 100, "error_subcode": 2_388_299, "message": "Invalid parameter",
            "error_user_title": "Variables at the edge", "error_user_msg": "Variables can't be at the start or end."}}),
        )
    })
    .await;
    let failure = client.create_template(&form()).await.unwrap_err();
    assert_eq!((failure.class(), failure.act()), (ErrorClass::ContentInvalid, Act::Final));
    assert!(failure.to_string().contains("Variables can't be at the start or end."), "{failure}");
    let (_, client) = Graph::start(|_| (400, json!({"error": {"code": 2_388_019, "error_data": "limit"}}))).await;
    let failure = client.create_template(&form()).await.unwrap_err();
    assert!(failure.to_string().contains("limit"), "{failure}");
    assert_eq!(failure.act(), Act::Final);
    let (_, client) = Graph::start(|_| (500, json!("no"))).await;
    assert_eq!(client.create_template(&form()).await, Err(GraphFailure::Unreadable { status: 500 }));
}

//! The API's description: OpenAPI 3.1, made from the routes themselves.
//!
//! What holds for every operation is added here in one place: how it is authenticated, who may call it, the
//! `Idempotency-Key` of POST requests, and the shape of problems.

use segue_store::session::{SessionFilter, SessionOrder};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, Content, HttpMethod, Info, OpenApi, RefOr, Required, ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Ref, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    caller::COOKIE,
    events::add_event_schemas,
    guard::{PERMISSION_EXTENSION, REPEAT_EXTENSION},
    problem::{FieldProblem, PROBLEM_JSON, ProblemDocument},
};

/// The API's description.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, mut document) =
        crate::router::api_router().merge(crate::links::router()).merge(crate::webhooks::router()).split_for_parts();
    complete(&mut document);
    document
}

fn complete(document: &mut OpenApi) {
    document.info = Info::new("Segue", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(DESCRIPTION.to_owned());
    let components = document.components.get_or_insert_with(Components::new);
    let mut schemas = vec![
        (ProblemDocument::name().into_owned(), ProblemDocument::schema()),
        (FieldProblem::name().into_owned(), FieldProblem::schema()),
    ];
    // Words that stand only in queries are not collected by the routes.
    schemas.push((SessionFilter::name().into_owned(), SessionFilter::schema()));
    schemas.push((SessionOrder::name().into_owned(), SessionOrder::schema()));
    add_event_schemas(&mut schemas);
    components.schemas.extend(schemas);
    let cookie = ApiKeyValue::with_description(
        COOKIE,
        "Set by /api/v1/login. Unsafe requests with it also need the header X-Segue-Csrf: 1.",
    );
    components.security_schemes.insert("login".to_owned(), RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(cookie))));
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("sk_…").build();
    components.security_schemes.insert("api_key".to_owned(), RefOr::T(SecurityScheme::Http(key)));
    for item in document.paths.paths.values_mut() {
        let posts = item.post.is_some();
        for operation in crate::guard::operations(item) {
            describe(operation);
        }
        if let Some(operation) = item.post.as_mut().filter(|_| posts) {
            take_idempotency_key(operation);
        }
    }
}

const DESCRIPTION: &str = "Conversational campaigns: SMS with links into WhatsApp, bots, agents, and a funnel.\n\n\
    Lists come in pages `{data, next_cursor}`; give `next_cursor` as `cursor` for the next one. Times are RFC 3339 in \
    UTC, ids are prefixed texts. Refusals are `application/problem+json` with a stable `code`. A POST that names the \
    header `Idempotency-Key` below takes one: a repeat with the same key within seven days gets the first answer again. \
    Any other POST is done again when it is repeated.";

fn describe(operation: &mut Operation) {
    let who = operation
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get(PERMISSION_EXTENSION))
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned();
    if who != "anybody" {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("login", none), SecurityRequirement::new("api_key", none)]);
        if who != "signed_in" {
            add_words(operation, format!("Needs the permission `{who}`."));
        }
    }
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().description("What went wrong.").content(PROBLEM_JSON, problem).build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
}

fn add_words(operation: &mut Operation, note: String) {
    operation.description = Some(match operation.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{note}"),
        _ => note,
    });
}

fn take_idempotency_key(operation: &mut Operation) {
    let is_guarded = operation.security.is_some();
    if !is_guarded {
        return;
    }
    // It is for here alone: two of them stand in the document in another order each time.
    let repeats = operation.extensions.as_mut().is_some_and(|extensions| extensions.remove(REPEAT_EXTENSION).is_some());
    if repeats {
        add_words(operation, "A repeat is done again.".to_owned());
        return;
    }
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(255)).build();
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A key of your own for this request; a repeat with it is not done again."))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_with(Vec::new).push(RefOr::T(parameter));
}

/// Every operation of a document: path, method, and who may call it.
#[must_use]
pub fn operations(document: &OpenApi) -> Vec<(String, HttpMethod, String)> {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            (HttpMethod::Get, &item.get),
            (HttpMethod::Put, &item.put),
            (HttpMethod::Post, &item.post),
            (HttpMethod::Delete, &item.delete),
            (HttpMethod::Patch, &item.patch),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let who = operation
                .extensions
                .as_ref()
                .and_then(|extensions| extensions.get(PERMISSION_EXTENSION))
                .and_then(|value| value.as_str())
                .unwrap_or_default();
            all.push((path.clone(), method, who.to_owned()));
        }
    }
    all
}

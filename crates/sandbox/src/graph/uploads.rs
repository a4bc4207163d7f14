//! Resumable uploads: the examples of templates' headers. And what a token is for, since uploads belong to the app.

use super::error::{Access, GraphError};
use super::request::text;
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The app that every token of the sandbox belongs to.
pub(crate) const APP_ID: &str = "634974688087057";

const TYPES: [&str; 6] = ["image/jpeg", "image/jpg", "image/png", "video/mp4", "video/3gpp", "application/pdf"];
const MOST: usize = 100 * 1024 * 1024;

/// Uploads under way, and the handles of those that are complete.
#[derive(Default)]
pub(crate) struct Uploads {
    open: HashMap<String, Upload>,
    handles: HashSet<String>,
    next: u64,
}

struct Upload {
    kind: String,
    length: usize,
    content: Vec<u8>,
}

impl Uploads {
    /// Whether an upload gave this handle. Templates also keep the address of their example, which is as good.
    pub fn is_handle(&self, handle: &str) -> bool {
        self.handles.contains(handle) || handle.starts_with("https://scontent.")
    }

    fn begin(&mut self, kind: String, length: usize) -> String {
        self.next += 1;
        let session = format!("upload:{}", STANDARD.encode(format!("session-{}", self.next)).trim_end_matches('='));
        self.open.insert(session.clone(), Upload { kind, length, content: Vec::new() });
        session
    }

    /// Takes what comes at an offset; gives the handle when it is complete.
    fn append(&mut self, session: &str, offset: usize, content: &[u8]) -> Result<Option<String>, GraphError> {
        let unknown = || GraphError::no_object(session, Access::Write);
        let upload = self.open.get_mut(session).ok_or_else(unknown)?;
        if offset != upload.content.len() || offset + content.len() > upload.length {
            return Err(GraphError::parameter("The file_offset does not continue the upload."));
        }
        upload.content.extend_from_slice(content);
        if upload.content.len() < upload.length {
            return Ok(None);
        }
        let handle = format!("4::{}:{}", STANDARD.encode(&upload.kind), session.trim_start_matches("upload:"));
        self.open.remove(session);
        self.handles.insert(handle.clone());
        Ok(Some(handle))
    }
}

/// `GET /{version}/debug_token?input_token=`
pub(crate) fn debug_token(core: &Core, query: &HashMap<String, String>) -> Value {
    let is_valid = query.get("input_token").is_some_and(|token| *token == core.config.access_token);
    json!({"data": {
        "app_id": APP_ID,
        "type": "SYSTEM_USER",
        "application": core.config.business_name,
        "expires_at": 0,
        "is_valid": is_valid,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
    }})
}

/// `POST /{version}/{app-id}/uploads?file_name&file_length&file_type`
pub(crate) async fn begin(
    State(core): State<Arc<Core>>,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Value>, GraphError> {
    if id != APP_ID {
        return Err(GraphError::no_object(&id, Access::Write));
    }
    let kind = query.get("file_type").cloned().unwrap_or_default();
    if !TYPES.contains(&kind.as_str()) {
        return Err(GraphError::parameter(format!("Param file_type is not supported: {kind}.")));
    }
    let length: Option<usize> = query.get("file_length").and_then(|length| length.parse().ok());
    match length {
        Some(length) if (1..=MOST).contains(&length) => {
            Ok(Json(json!({"id": core.with(|state| state.uploads.begin(kind, length))})))
        }
        _ => Err(GraphError::parameter("Param file_length must be from 1 to 100 MB.")),
    }
}

/// `POST /{version}/upload:…` with `file_offset`.
pub(crate) fn append(core: &Core, session: &str, headers: &HeaderMap, content: &Bytes) -> Result<Value, GraphError> {
    let offset = headers.get("file_offset").and_then(|offset| offset.to_str().ok()?.parse().ok());
    let offset = offset.ok_or_else(|| GraphError::parameter("The header file_offset is required."))?;
    let handle = core.with(|state| state.uploads.append(session, offset, content))?;
    Ok(match handle {
        Some(handle) => json!({"h": handle}),
        None => describe(core, session).unwrap_or_default(),
    })
}

/// `GET /{version}/upload:…`: how far it has come.
pub(crate) fn describe(core: &Core, session: &str) -> Option<Value> {
    core.with(|state| {
        let upload = state.uploads.open.get(session)?;
        Some(json!({"id": session, "file_offset": upload.content.len()}))
    })
}

/// The example of a media header as the platform lists it, also on cards: an address in place of the handle.
pub(crate) fn listed(mut component: Value) -> Value {
    for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
        for part in card.get_mut("components").and_then(Value::as_array_mut).into_iter().flatten() {
            *part = listed(part.take());
        }
    }
    let is_media = text(&component, "format").is_some_and(|format| !format.eq_ignore_ascii_case("TEXT"));
    if is_media && let Some(handle) = component.pointer_mut("/example/header_handle/0") {
        *handle = json!("https://scontent.whatsapp.net/v/t61.29466-34/sandbox.png");
    }
    component
}

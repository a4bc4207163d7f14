//! The SMS app of a handset.

use super::problem::Problem;
use crate::core::Core;
use crate::sms::text;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn list(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    core.with(|state| state.handsets.get(&id).map(|handset| Json(json!({"messages": handset.sms}))))
        .ok_or_else(Problem::no_handset)
}

pub(crate) async fn open(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    core.with(|state| {
        state.handsets.get_mut(&id).ok_or_else(Problem::no_handset)?.sms_unread = 0;
        state.page(Some(&id), "handset");
        Ok(StatusCode::NO_CONTENT)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewText {
    to: String,
    #[serde(default)]
    text: String,
    /// Pictures and files, to numbers of the Twilio face.
    #[serde(default)]
    media: Vec<NewFile>,
    /// Each letter leaves as one octet under this data coding, as carriers send texts that they call binary. Over SMPP, in
    /// one part.
    data_coding: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFile {
    mime: String,
    media_base64: String,
}

/// The customer writes a text to a number of the business.
pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(new): Json<NewText>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if new.text.is_empty() && new.media.is_empty() {
        return Err(Problem::bad("text is empty"));
    }
    if new.data_coding.is_some() && !text::fits_octets(&new.text) {
        return Err(Problem::bad("with a data_coding the text has at most 140 letters, each of which is one octet"));
    }
    let mut files = Vec::new();
    for NewFile { mime, media_base64 } in new.media {
        let bytes = base64::engine::general_purpose::STANDARD.decode(media_base64);
        files.push((bytes.map_err(|_| Problem::bad("media_base64 is not base64"))?, mime));
    }
    let public_url = core.public_url.clone();
    core.with(|state| {
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        if !handset.online {
            return Err(Problem::new(StatusCode::CONFLICT, "the handset is offline; put it online first"));
        }
        let media = files.into_iter().map(|(bytes, mime)| state.keep_media(bytes, mime)).collect();
        let sent = state.sms_from_handset(&id, &new.to, (&new.text, media, new.data_coding), &public_url);
        let sent = sent.ok_or_else(|| {
            Problem::bad("one cannot reply to a name, and only numbers of the Twilio face take pictures; `to` is a number or a short code")
        })?;
        Ok((StatusCode::CREATED, Json(json!({"id": sent}))))
    })
}

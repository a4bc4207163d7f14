//! How opt-outs are read, how far they reach and how they are answered.

use axum::extract::State;
use segue_access::Permission;
use segue_model::plain;
use segue_store::consent_settings::ConsentSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::load_workspace;
use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

/// Longest answer, in characters: three segments of the smaller alphabet.
const LONGEST_REPLY: usize = 459;
/// Most words that a workspace adds.
const MOST_WORDS: usize = 500;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
}

/// The settings of consent with the workspace's own answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsentSettings)]
struct ConsentSettingsBody {
    /// Name in answers.
    brand: String,
    /// Answer to STOP where the word's language has none; nothing promotional may stand in it.
    stop_reply: String,
    start_reply: String,
    help_reply: String,
    /// How opt-outs are read, how far they reach and how they are answered.
    rules: ConsentSettings,
}

/// The settings of consent.
#[utoipa::path(get, path = "/api/v1/consent-settings", operation_id = "get_consent_settings", tag = "consent",
    responses((status = 200, body = ConsentSettingsBody)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<ConsentSettingsBody>, Problem> {
    let settings = load_workspace(&state, caller.workspace_id).await?.settings.into_inner();
    Ok(Json(ConsentSettingsBody {
        brand: settings.brand,
        stop_reply: settings.stop_reply,
        start_reply: settings.start_reply,
        help_reply: settings.help_reply,
        rules: settings.consent,
    }))
}

/// Replaces the settings of consent.
#[utoipa::path(put, path = "/api/v1/consent-settings", operation_id = "change_consent_settings", tag = "consent",
    responses((status = 200, body = ConsentSettingsBody)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ConsentSettingsBody>,
) -> Result<Json<ConsentSettingsBody>, Problem> {
    check(&input)?;
    let (workspace_id, new) = (caller.workspace_id, input.clone());
    state
        .store
        .write::<_, Problem, _>(move |tx| {
            tx.lock("workspace", &workspace_id)?;
            let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
            let settings = &mut workspace.settings;
            settings.brand = new.brand.trim().to_owned();
            settings.stop_reply.clone_from(&new.stop_reply);
            settings.start_reply.clone_from(&new.start_reply);
            settings.help_reply.clone_from(&new.help_reply);
            settings.consent.clone_from(&new.rules);
            tx.update_workspace(&workspace)?;
            Ok(())
        })
        .await?;
    Ok(Json(input))
}

fn check(input: &ConsentSettingsBody) -> Result<(), Problem> {
    if input.brand.trim().is_empty() || input.brand.chars().count() > 60 {
        return Err(Problem::invalid("brand", "Give the name that stands in answers, up to 60 characters."));
    }
    let own = [&input.stop_reply, &input.start_reply, &input.help_reply];
    let translated = input.rules.replies.values().flat_map(|replies| [&replies.stop, &replies.start, &replies.help]);
    if own.into_iter().chain(translated).any(|text| text.chars().count() > LONGEST_REPLY) {
        return Err(Problem::invalid("rules.replies", "An answer has at most 459 characters."));
    }
    if own.iter().any(|text| text.trim().is_empty()) {
        return Err(Problem::invalid("stop_reply", "Write an answer. To send none, switch the answers off instead."));
    }
    let tags = input.rules.replies.keys().chain(input.rules.extra_words.iter().map(|extra| &extra.language));
    for tag in tags {
        let fits =
            (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !fits {
            return Err(Problem::invalid(
                "rules.replies",
                format!("\"{tag}\" is no language tag. Write it like es or pt-BR."),
            ));
        }
    }
    if input.rules.extra_words.len() > MOST_WORDS {
        return Err(Problem::invalid("rules.extra_words", "At most 500 words can be added."));
    }
    for extra in &input.rules.extra_words {
        let length = extra.word.chars().count();
        if plain::compact(&extra.word).is_empty() || length > segue_model::keyword::LONGEST {
            return Err(Problem::invalid(
                "rules.extra_words",
                "A word has letters or digits, and at most 60 characters.",
            ));
        }
    }
    if !(1..=10_000).contains(&input.rules.keyword_quota) {
        return Err(Problem::invalid("rules.keyword_quota", "Give a quota from 1 to 10,000 words."));
    }
    Ok(())
}

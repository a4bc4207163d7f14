//! Programmes as people set them up.

use segue_model::{
    Ctx, ListId, ProgrammeId, SenderId, WorkspaceId, plain,
    programme::{Covers, ProgrammeOptIn, ProgrammeSettings},
};
use segue_store::{Store, Tx, channel::SenderKind, programme::ProgrammeView};
use serde::Deserialize;

use crate::{OutreachError, contacts::clean, subscriptions};

/// Longest name, in characters.
const LONGEST_NAME: usize = 80;
/// Longest text, in characters.
const LONGEST_TEXT: usize = 600;
/// The longest an answer may take, in hours.
const LONGEST_PENDING: u32 = 30 * 24;

/// A programme to add or change.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeInput {
    pub sender_id: SenderId,
    pub name: String,
    pub opt_in: ProgrammeOptIn,
    pub covers: Covers,
    #[serde(default)]
    pub list_id: Option<ListId>,
    #[serde(default)]
    pub settings: ProgrammeSettings,
    /// Version that the change is based on; needed for a change.
    #[serde(default)]
    pub version: Option<i64>,
}

fn checked(tx: &mut Tx<'_>, workspace_id: WorkspaceId, input: &ProgrammeInput) -> Result<String, OutreachError> {
    let name = clean(&input.name, LONGEST_NAME).ok_or_else(|| OutreachError::invalid("name", "Give it a name."))?;
    let sender = tx.sender(workspace_id, input.sender_id)?.ok_or(OutreachError::NotFound("sender"))?;
    if sender.kind == SenderKind::Alphanumeric {
        return Err(OutreachError::invalid("sender_id", "Nobody can text to a name. Choose a number."));
    }
    if let Some(list_id) = input.list_id {
        tx.list(workspace_id, list_id)?.ok_or(OutreachError::NotFound("list"))?;
    }
    let settings = &input.settings;
    let texts = [
        ("settings.welcome_text", &settings.welcome_text),
        ("settings.ask_text", &settings.ask_text),
        ("settings.already_text", &settings.already_text),
        ("settings.declined_text", &settings.declined_text),
        ("settings.birth_date_question", &settings.birth_date_question),
        ("settings.too_young_text", &settings.too_young_text),
        ("settings.retry_text", &settings.retry_text),
    ];
    for (field, text) in texts {
        if text.chars().count() > LONGEST_TEXT {
            return Err(OutreachError::invalid(field, "The text has at most 600 characters."));
        }
    }
    if settings.welcome_text.trim().is_empty() {
        return Err(OutreachError::invalid("settings.welcome_text", "Write the text that welcomes people."));
    }
    match input.opt_in {
        ProgrammeOptIn::Single => {}
        ProgrammeOptIn::Double => {
            if settings.ask_text.trim().is_empty() {
                return Err(OutreachError::invalid("settings.ask_text", "Write the question that people confirm."));
            }
            let mut words = settings.accepted_words.iter();
            if settings.accepted_words.is_empty() || words.any(|word| plain::compact(word).is_empty()) {
                let message = "Name at least one answer of letters or digits that confirms.";
                return Err(OutreachError::invalid("settings.accepted_words", message));
            }
        }
        ProgrammeOptIn::AgeGated => {
            if settings.birth_date_question.trim().is_empty() || settings.date_formats.is_empty() {
                let message = "Write the question for the birth date and choose how a date may be written.";
                return Err(OutreachError::invalid("settings.birth_date_question", message));
            }
            if !(1..=120).contains(&settings.minimum_age) {
                return Err(OutreachError::invalid("settings.minimum_age", "Give an age from 1 to 120 years."));
            }
        }
    }
    if !(1..=LONGEST_PENDING).contains(&settings.pending_hours) {
        return Err(OutreachError::invalid("settings.pending_hours", "Give 1 to 720 hours for the answer."));
    }
    let caps = &settings.caps;
    let twice = |place: usize| caps[..place].iter().any(|other| other.period == caps[place].period);
    if (0..caps.len()).any(|place| !caps[place].is_valid() || twice(place)) {
        let message = "A cap allows 1 to 100 messages; give each period once.";
        return Err(OutreachError::invalid("settings.caps", message));
    }
    Ok(name)
}

/// Adds a programme.
///
/// # Errors
/// When it is not valid or its name is taken.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: ProgrammeInput,
) -> Result<ProgrammeView, OutreachError> {
    let (id, now) = (ctx.id::<ProgrammeId>(), ctx.now());
    store
        .write(move |tx| {
            let name = checked(tx, workspace_id, &input)?;
            let programme = ProgrammeView {
                id,
                sender_id: input.sender_id,
                name,
                opt_in: input.opt_in,
                covers: input.covers,
                list_id: input.list_id,
                settings: input.settings.clone(),
                active: 0,
                pending: 0,
                created_at: now,
                ended_at: None,
                version: 1,
            };
            if !tx.insert_programme(workspace_id, &programme)? {
                return Err(OutreachError::ProgrammeTaken);
            }
            Ok(programme)
        })
        .await
}

/// Changes a programme. People who are in it stay in it; opt-ins that wait for an answer end when it asks something else
/// or consents to something else from now on.
///
/// # Errors
/// When there is no such programme, it is not valid, its name is taken, or somebody else changed it meanwhile.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ProgrammeId,
    input: ProgrammeInput,
) -> Result<ProgrammeView, OutreachError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            tx.lock_consents(workspace_id)?;
            let known = tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))?;
            let name = checked(tx, workspace_id, &input)?;
            if input.version.is_some_and(|version| version != known.version) {
                return Err(OutreachError::ChangedMeanwhile);
            }
            if input.sender_id != known.sender_id
                && tx.keywords_of_sender(workspace_id, known.sender_id)?.iter().any(|word| word.joins(id))
            {
                let message = "Texts to the present sender join this programme. Remove its words first.";
                return Err(OutreachError::invalid("sender_id", message));
            }
            let asks = |settings: &ProgrammeSettings| settings.accepted_words.clone();
            if (input.opt_in, input.covers, input.sender_id) != (known.opt_in, known.covers, known.sender_id)
                || asks(&input.settings) != asks(&known.settings)
            {
                subscriptions::end_pending(tx, workspace_id, &ctx, id)?;
            }
            let changed = ProgrammeView {
                sender_id: input.sender_id,
                name,
                opt_in: input.opt_in,
                covers: input.covers,
                list_id: input.list_id,
                settings: input.settings.clone(),
                ..known
            };
            if !tx.update_programme(workspace_id, &changed)? {
                return Err(OutreachError::ProgrammeTaken);
            }
            tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))
        })
        .await
}

/// Ends a programme, or takes it up again: nobody joins an ended one, and who is in it stays in it. Opt-ins that wait for
/// an answer end with it.
///
/// # Errors
/// When there is no such programme.
pub async fn set_ended(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ProgrammeId,
    fate: Fate,
) -> Result<ProgrammeView, OutreachError> {
    let (ctx, now) = (ctx.clone(), ctx.now());
    store
        .write(move |tx| {
            tx.lock_consents(workspace_id)?;
            let known = tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))?;
            if fate == Fate::End {
                subscriptions::end_pending(tx, workspace_id, &ctx, id)?;
            }
            let ended_at = (fate == Fate::End).then(|| known.ended_at.unwrap_or(now));
            if !tx.update_programme(workspace_id, &ProgrammeView { ended_at, ..known })? {
                return Err(OutreachError::ChangedMeanwhile);
            }
            tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))
        })
        .await
}

/// What becomes of a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    End,
    Resume,
}

/// Programmes, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<ProgrammeId>,
    limit: i64,
) -> Result<Vec<ProgrammeView>, OutreachError> {
    store.read(move |tx| Ok(tx.programmes(workspace_id, before, limit)?)).await
}

/// One programme.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: ProgrammeId) -> Result<ProgrammeView, OutreachError> {
    store.read(move |tx| tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))).await
}

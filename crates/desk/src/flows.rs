//! Flows: publishing and reading. What is published was checked; what is running keeps the version it began with.

use segue_flow::Problem;
use segue_model::{ChannelId, Ctx, FlowId, WorkspaceId, wake::Wake};
use segue_store::{
    Store, StoreError, Tx,
    flow::{FlowView, NewVersion},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{DeskError, bot_needs};

pub use crate::bot_needs::form_missing_at;

/// A flow with the text of its published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowSource {
    #[serde(flatten)]
    pub flow: FlowView,
    pub source: String,
}

/// What is wrong with a definition; nothing when it can be published.
///
/// # Errors
/// When the store fails.
pub async fn validate(store: &Store, workspace_id: WorkspaceId, source: String) -> Result<Vec<Problem>, DeskError> {
    let definition = match segue_flow::parse(&source) {
        Ok(definition) => definition,
        Err(problems) => return Ok(problems),
    };
    if definition.names().is_empty() {
        return Ok(Vec::new());
    }
    // Not a read: what would be published is looked at as when it is published, files with their lock.
    store.write(move |tx| Ok(bot_needs::missing(tx, workspace_id, (&source, &definition), &[])?)).await
}

/// What a definition that was read names and is not here: files that were not uploaded, forms that are not published at
/// a number other than those that were only just added.
///
/// # Errors
/// When the store fails.
pub fn missing(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    source: &str,
    new: &[ChannelId],
) -> Result<Vec<Problem>, StoreError> {
    match segue_flow::parse(source) {
        Ok(definition) => bot_needs::missing(tx, workspace_id, (source, &definition), new),
        Err(problems) => Ok(problems),
    }
}

/// Publishes a definition as the newest version of the flow `slug`. The same text again makes no new version.
///
/// # Errors
/// [`DeskError::FlowInvalid`], or [`DeskError::InvalidField`] when the definition names another flow.
pub async fn publish(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    slug: &str,
    source: String,
) -> Result<FlowView, DeskError> {
    let definition = segue_flow::parse(&source).map_err(DeskError::FlowInvalid)?;
    if definition.flow != slug {
        let message = format!("The definition is of the flow '{}', not '{slug}'.", definition.flow);
        return Err(DeskError::InvalidField { field: "source", message });
    }
    let (fresh, now) = ((ctx.id(), ctx.id()), ctx.now());
    store
        .write(move |tx| {
            let problems = bot_needs::missing(tx, workspace_id, (&source, &definition), &[])?;
            if !problems.is_empty() {
                return Err(DeskError::FlowInvalid(problems));
            }
            let (slug, name) = (definition.flow.as_str(), definition.name.as_str());
            let version = NewVersion { slug, name, source: &source, files: &definition.files() };
            let id = tx.publish_flow(workspace_id, version, fresh, now)?;
            tx.wake(Wake::Configuration);
            tx.flow(workspace_id, id)?.ok_or(DeskError::NotFound("flow"))
        })
        .await
}

/// The flows of a workspace.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<FlowView>, DeskError> {
    store.read(move |tx| tx.flows(workspace_id).map_err(DeskError::from)).await
}

/// One flow with its published text.
///
/// # Errors
/// When there is no such flow.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: FlowId) -> Result<FlowSource, DeskError> {
    store
        .read(move |tx| {
            let flow = tx.flow(workspace_id, id)?.ok_or(DeskError::NotFound("flow"))?;
            let source = tx.published_flow(workspace_id, id)?.map(|version| version.source).unwrap_or_default();
            Ok(FlowSource { flow, source })
        })
        .await
}

//! Flows: publishing and reading. What is published was checked; what is running keeps the version it began with.

use segue_flow::Problem;
use segue_model::{Ctx, FlowId, WorkspaceId, wake::Wake};
use segue_store::{Store, flow::FlowView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::DeskError;

/// A flow with the text of its published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowSource {
    #[serde(flatten)]
    pub flow: FlowView,
    pub source: String,
}

/// What is wrong with a definition; nothing when it can be published.
#[must_use]
pub fn validate(source: &str) -> Vec<Problem> {
    segue_flow::parse(source).err().unwrap_or_default()
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
            let named = (definition.flow.as_str(), definition.name.as_str());
            let id = tx.publish_flow(workspace_id, named, &source, fresh, now)?;
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

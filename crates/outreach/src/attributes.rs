//! What the attributes of a workspace's contacts are. An attribute that nobody defined is free text.

use segue_model::{Ctx, WorkspaceId};
use segue_store::{
    Store,
    contact_view::{AttributeDefinition, AttributeKind},
};
use serde::Deserialize;

use crate::{
    OutreachError,
    contacts::{attribute_name, clean},
};

/// Most attributes that can be defined.
const MOST: usize = 200;
/// Most words of a choice.
const MOST_CHOICES: usize = 100;

/// What an attribute is to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeInput {
    /// As people read it; the name in texts and filters is made of it: `Order No.` becomes `order_no`.
    pub label: String,
    pub kind: AttributeKind,
    /// The words of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// A value in the form in which its kind is kept.
///
/// # Errors
/// In words for who gave it.
pub(crate) fn checked(definition: &AttributeDefinition, value: &str) -> Result<String, String> {
    definition.kind.checked(&definition.label, &definition.choices, value)
}

/// The definition of an attribute, if it has one.
pub(crate) fn definition<'a>(definitions: &'a [AttributeDefinition], name: &str) -> Option<&'a AttributeDefinition> {
    definitions.iter().find(|definition| definition.name == name)
}

/// All definitions, by their labels.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<AttributeDefinition>, OutreachError> {
    store.read(move |tx| Ok(tx.attribute_definitions(workspace_id)?)).await
}

/// Defines an attribute, or changes what it is. Values that are there stay as they are and are checked when they are
/// written next.
///
/// # Errors
/// When the label gives no name or a choice has no words.
pub async fn define(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: AttributeInput,
) -> Result<AttributeDefinition, OutreachError> {
    let label = clean(&input.label, 60).ok_or_else(|| OutreachError::invalid("label", "Give the field a name."))?;
    let name = attribute_name(&label).ok_or_else(|| {
        OutreachError::invalid(
            "label",
            "Give it a name of letters or digits that is not one of the contact's own fields.",
        )
    })?;
    let mut choices: Vec<String> = input.choices.iter().filter_map(|choice| clean(choice, 100)).collect();
    choices.dedup();
    match input.kind {
        AttributeKind::Choice if choices.is_empty() => {
            return Err(OutreachError::invalid("choices", "Give the words that can be chosen."));
        }
        AttributeKind::Choice if choices.len() > MOST_CHOICES => {
            return Err(OutreachError::invalid("choices", format!("At most {MOST_CHOICES} can be chosen from.")));
        }
        AttributeKind::Choice => {}
        _ => choices.clear(),
    }
    let definition = AttributeDefinition { name, label, kind: input.kind, choices, created_at: ctx.now() };
    store
        .write(move |tx| {
            let known = tx.attribute_definitions(workspace_id)?;
            if known.len() >= MOST && self::definition(&known, &definition.name).is_none() {
                return Err(OutreachError::invalid("label", format!("At most {MOST} fields can be defined.")));
            }
            tx.put_attribute_definition(workspace_id, &definition)?;
            Ok(definition.clone())
        })
        .await
}

/// Makes an attribute free text again; its values stay.
///
/// # Errors
/// When it is not defined.
pub async fn forget(store: &Store, workspace_id: WorkspaceId, name: String) -> Result<(), OutreachError> {
    store
        .write(move |tx| {
            let deleted = tx.delete_attribute_definition(workspace_id, &name)?;
            deleted.then_some(()).ok_or(OutreachError::NotFound("field"))
        })
        .await
}

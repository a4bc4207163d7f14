//! Templates as Meta has them.

use segue_channels::whatsapp::webhook::TemplateStatus;
use segue_model::Ctx;
use segue_store::{Store, StoreError, Tx, channel::Channel, template::ListedTemplate};

use crate::{DeliveryError, client::client_of};

/// Takes over the templates that Meta lists for a channel. Gives how many there are.
///
/// # Errors
/// When Meta does not answer or refuses, or the store fails.
pub async fn sync(store: &Store, ctx: &Ctx, channel: &Channel) -> Result<usize, DeliveryError> {
    let listed: Vec<ListedTemplate> = client_of(channel)?
        .list_templates()
        .await?
        .into_iter()
        .map(|template| ListedTemplate {
            name: template.name,
            language: template.language,
            category: template.category,
            status: template.status,
            components: template.components,
        })
        .collect();
    let count = listed.len();
    let (ctx, workspace_id, channel_id) = (ctx.clone(), channel.workspace_id, channel.id);
    store
        .write(move |tx| Ok::<_, DeliveryError>(tx.replace_templates(workspace_id, channel_id, &listed, &ctx)?))
        .await?;
    Ok(count)
}

/// Takes in what Meta decided about a template. Messages that wait with it are held or go on by the next decision.
///
/// # Errors
/// When the store fails.
pub fn apply_status(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    status: &TemplateStatus,
) -> Result<bool, StoreError> {
    // Meta's words for "can be sent" in this webhook are two; the list of templates knows only one.
    let state = if status.event == "REINSTATED" { "APPROVED" } else { status.event.as_str() };
    tx.set_template_status(
        channel.workspace_id,
        channel.id,
        &status.name,
        status.language.as_deref(),
        (state, status.category.as_deref()),
        ctx.now(),
    )
}

//! Forms as Meta has them, taken over.
//!
//! Meta is asked first and the list stored in one transaction: a crash in between leaves the list as it was.

use segue_model::Ctx;
use segue_store::{Store, channel::Channel, form::ListedForm};

use crate::{DeliveryError, client::client_of};

/// Takes over the forms that Meta lists for a channel. Gives how many there are.
///
/// # Errors
/// When Meta does not answer or refuses, or the store fails.
pub async fn sync(store: &Store, ctx: &Ctx, channel: &Channel) -> Result<usize, DeliveryError> {
    let listed = client_of(channel)?.list_forms().await?;
    let listed: Vec<ListedForm> = listed
        .into_iter()
        .map(|form| ListedForm {
            provider_id: form.id,
            name: form.name,
            status: form.status,
            categories: form.categories,
        })
        .collect();
    let count = listed.len();
    let (ctx, channel) = (ctx.clone(), channel.clone());
    store
        .write(move |tx| {
            tx.replace_forms(channel.workspace_id, channel.id, &listed, &ctx)?;
            Ok::<_, DeliveryError>(())
        })
        .await?;
    Ok(count)
}

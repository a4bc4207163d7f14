//! Outreach: contacts and their consent, imports, campaigns and their plan, short links and clicks, SMS keywords.
//!
//! What the API calls are async functions over a [`segue_store::Store`]; what runs inside another transaction (keywords)
//! takes the transaction. Nothing here sends: a message is a row of the outbox, and `delivery` asks the policy once more
//! before it leaves.
//!
//! | what happens | who calls it |
//! |---|---|
//! | a `plan_campaign` job is due | [`campaign::plan::run`] |
//! | a `launch_campaign` job is due | [`campaign::launch::run`] |
//! | a `run_import` job is due | [`import::run`] |
//! | a `find_duplicates` job is due | [`merge::search`] |
//! | an `undo_import` job is due | [`import::undo::run`] |
//! | a `send_batch` job is due | [`direct::batch::run`] |
//! | an SMS of a customer is worked on | [`keywords::handle`] |
//! | a short link is asked for | [`redirect::Redirects::open`] |
//! | from time to time | [`sweep`] |

mod addresses;
pub mod attributes;
pub mod campaign;
pub mod clicks;
pub mod consent_record;
pub mod contact_addresses;
pub mod contacts;
pub mod direct;
pub mod domains;
mod error;
mod files;
pub mod fuzz;
pub mod grid;
pub mod import;
pub mod keywords;
mod ledger_turns;
pub mod link;
pub mod look_up;
pub mod merge;
mod origin;
pub mod programmes;
pub mod provider_keyword;
pub mod reach;
pub mod redirect;
pub mod reviews;
pub mod routes;
pub mod segments;
pub mod snippets;
pub mod subscriptions;
pub mod suppressions;
pub mod tables;
pub mod text;
mod typed;
pub mod user_agent;
pub mod votes;
mod ways;
pub mod words;

pub use error::{OutreachError, Problem};
pub use link::{LinkConfig, Links};
pub use redirect::Redirects;

use segue_model::{Ctx, Timestamp, WorkspaceId};
use segue_store::Store;

/// So many parts of canceled campaigns are ended at once; the rest has its turn with the next sweep.
const PARTS_AT_ONCE: usize = 50;

/// Ends what waits of canceled campaigns, each part of it in a transaction of its own: a campaign can have a million.
async fn end_canceled(store: &Store, workspace_id: WorkspaceId, now: Timestamp) -> Result<(), OutreachError> {
    for _ in 0..PARTS_AT_ONCE {
        let ended = store.write_bulk::<_, OutreachError, _>(move |tx| Ok(tx.cancel_left_behind(workspace_id, now)?));
        if ended.await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Ends what nobody else ends: what waits of canceled campaigns or came back unsent after that, campaigns whose last two
/// messages came to rest at the same moment, opt-ins that nobody answered, consents that were given for a time only; gives
/// imports whose process died to a worker. To be called about every ten seconds.
///
/// # Errors
/// When the store fails.
pub async fn sweep(store: &Store, ctx: &Ctx) -> Result<(), OutreachError> {
    let now = ctx.now();
    let workspaces = store.read::<_, OutreachError, _>(|tx| Ok(tx.workspaces()?)).await?;
    let mut failed = None;
    for workspace in workspaces {
        let ctx = ctx.clone();
        let ended = end_canceled(store, workspace.id, now).await;
        failed = ended.err().or(failed);
        let swept = store
            .write::<_, OutreachError, _>(move |tx| {
                tx.finish_done_campaigns(workspace.id, now)?;
                subscriptions::expire(tx, workspace.id, &ctx)?;
                tx.expire_consents(workspace.id, &ctx)?;
                campaign::launch::sweep(tx, &ctx, &workspace)?;
                tx.suppress_bounced(workspace.id, &workspace.settings.bounces, now)?;
                Ok(import::sweep(tx, &ctx, workspace.id)?)
            })
            .await;
        // The other workspaces are swept whatever happens in this one.
        failed = swept.err().or(failed);
    }
    failed.map_or(Ok(()), Err)
}

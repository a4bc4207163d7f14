//! Works on jobs that are due.
//!
//! A job is claimed with a lease and marked done after its work; a crash in between lets the lease run out, or the next
//! start of this node releases it, and the job is worked on again. Each kind says in its own module why doing it twice is harmless.

use std::{sync::Arc, time::Duration};

use segue_delivery::{
    DeliveryError, FilesError,
    long_text::{self, READ_LONG_TEXT},
    template_admin::TemplateError,
};
use segue_desk::{
    DeskError,
    blocks::TellBlock,
    bot::{self, BOT_TIMER},
    customers,
    inbound::InboundError,
};
use segue_model::{ImportId, MediaId, TemplateId, time, wake::Wake};
use segue_outreach::{
    OutreachError,
    campaign::{
        launch::{self, LAUNCH_CAMPAIGN},
        plan::{self, PLAN_CAMPAIGN},
    },
    direct::batch::{self, SEND_BATCH},
    import::{self, RUN_IMPORT, UNDO_IMPORT},
    merge::{self, FIND_DUPLICATES},
};
use segue_store::{
    StoreError, Tx,
    customer_block::TELL_BLOCK,
    form::FORM_REFUSED,
    job::{Job, Kinds},
    media::{CHECK_MEDIA, FETCH_MEDIA},
    shown::{SHOW_CUSTOMER, ShowCustomer},
    template::{READ_TEMPLATE, SETTLE_TEMPLATE},
    thread::{JOIN_CUSTOMERS, JoinCustomers},
};

use tokio::task::JoinSet;

use super::{POLL, Remedy, Wiring, WorkError};

/// Jobs worked on at once.
const AT_ONCE: u32 = 8;
/// The same of those that take long, beside the others: neither a timer nor the start of a campaign waits until a provider
/// has answered.
const LONG_AT_ONCE: u32 = 8;
/// Kinds that wait for a provider, or go through a whole file.
const LONG: &[&str] =
    &[FETCH_MEDIA, CHECK_MEDIA, SETTLE_TEMPLATE, READ_TEMPLATE, TELL_BLOCK, RUN_IMPORT, UNDO_IMPORT, FIND_DUPLICATES];
/// How long a job may go without a sign of life before another worker may take it over.
const LEASE: i64 = time::MINUTE;
/// How often a long job gives its sign of life.
const RENEW: Duration = Duration::from_secs(15);
const PUT_BACK_FOR: i64 = time::SECOND;

/// Runs until the shutdown, then until the work at hand has ended.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    let node = wiring.node.clone();
    if let Err(error) = wiring.store.write(move |tx| tx.release_jobs(&node)).await {
        // The leases of the time before the start run out by themselves.
        tracing::error!(%error, "the claims of the jobs could not be released");
    }
    // A long job takes one of the places; the others go on with what is due.
    let (mut at_work, mut long) = (JoinSet::new(), JoinSet::new());
    while !wiring.shutdown.is_cancelled() {
        let free = (free_of(&mut at_work, AT_ONCE), free_of(&mut long, LONG_AT_ONCE));
        let claimed = if free == (0, 0) { Ok(Vec::new()) } else { claim(&wiring, free).await };
        match claimed {
            Ok(jobs) if !jobs.is_empty() => {
                for job in jobs {
                    let places = if LONG.contains(&job.kind.as_str()) { &mut long } else { &mut at_work };
                    places.spawn(work_on(Arc::clone(&wiring), job));
                }
            }
            Ok(_) => {
                tokio::select! {
                    () = listener.until(POLL, |wake| wake == Wake::Jobs) => {}
                    Some(_) = at_work.join_next(), if !at_work.is_empty() => {}
                    Some(_) = long.join_next(), if !long.is_empty() => {}
                    () = wiring.shutdown.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "the jobs cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    while at_work.join_next().await.is_some() {}
    while long.join_next().await.is_some() {}
}

/// How many of the places are free.
fn free_of(at_work: &mut JoinSet<()>, places: u32) -> u32 {
    while at_work.try_join_next().is_some() {}
    places.saturating_sub(u32::try_from(at_work.len()).unwrap_or(places))
}

/// Claims as many as there are places free, for those that take long and for the others.
async fn claim(wiring: &Wiring, (free, free_long): (u32, u32)) -> Result<Vec<Job>, StoreError> {
    let (ctx, node) = (wiring.ctx.clone(), wiring.node.clone());
    wiring
        .store
        .write(move |tx| {
            let mut jobs = Vec::new();
            for (kinds, free) in [(Kinds::Other(LONG), free), (Kinds::Of(LONG), free_long)] {
                if free > 0 {
                    jobs.extend(tx.claim_jobs_of(&node, (kinds, free), ctx.now().plus(LEASE), &ctx)?);
                }
            }
            Ok::<_, StoreError>(jobs)
        })
        .await
}

async fn work_on(wiring: Arc<Wiring>, job: Job) {
    let done = tokio::select! {
        done = handle(&wiring, &job) => done,
        lost = renew(&wiring, &job) => Err(lost.into()),
    };
    let settled = match done {
        Ok(()) => {
            let job = job.clone();
            wiring.store.write(move |tx| tx.complete_job(&job)).await
        }
        Err(error) => {
            tracing::warn!(job_id = %job.id, kind = %job.kind, attempt = job.attempts, %error, "a job was not done");
            let (ctx, job) = (wiring.ctx.clone(), job.clone());
            let note = move |tx: &mut segue_store::Tx<'_>| match error.remedy() {
                Remedy::Leave => Ok(()),
                Remedy::PutBack => tx.put_back_job(&job, ctx.now().plus(PUT_BACK_FOR)),
                Remedy::Note(verdict, reason) => tx.fail_job(&job, verdict, &reason, &ctx),
            };
            wiring.store.write(note).await
        }
    };
    if let Err(error) = settled
        && !matches!(error, StoreError::LeaseLost)
    {
        // The lease runs out, and the job is taken again.
        tracing::error!(%error, job_id = %job.id, "the end of a job could not be noted");
    }
}

/// Extends the lease while the job is worked on; ends only when it is lost.
async fn renew(wiring: &Wiring, job: &Job) -> StoreError {
    loop {
        tokio::time::sleep(RENEW).await;
        let (ctx, own) = (wiring.ctx.clone(), job.clone());
        let renewed = wiring.store.write(move |tx| tx.extend_job(&own, ctx.now().plus(LEASE))).await;
        match renewed {
            Err(StoreError::LeaseLost) => return StoreError::LeaseLost,
            Err(error) => tracing::warn!(%error, job_id = %job.id, "the lease of a job could not be extended"),
            Ok(()) => {}
        }
    }
}

/// Gives a job to the crate that understands it.
async fn handle(wiring: &Wiring, job: &Job) -> Result<(), WorkError> {
    let (store, ctx, workspace_id) = (&wiring.store, &wiring.ctx, job.workspace_id);
    match job.kind.as_str() {
        PLAN_CAMPAIGN => {
            plan::run(store, ctx, &wiring.links, workspace_id, &job.payload).await.map(|_| ()).map_err(campaign_error)
        }
        LAUNCH_CAMPAIGN => {
            launch::run(store, ctx, &wiring.links, workspace_id, &job.payload).await.map_err(campaign_error)
        }
        SEND_BATCH => batch::run(store, ctx, workspace_id, &job.payload).await.map_err(of_outreach),
        BOT_TIMER => {
            let (ctx, payload) = (ctx.clone(), job.payload.clone());
            store
                .write(move |tx| {
                    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
                    bot::on_timer(tx, &ctx, &workspace, &payload).map_err(of_desk)
                })
                .await
        }
        FORM_REFUSED => {
            let (ctx, payload) = (ctx.clone(), job.payload.clone());
            store
                .write(move |tx| {
                    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
                    bot::on_form_refused(tx, &ctx, &workspace, &payload).map_err(of_desk)
                })
                .await
        }
        READ_LONG_TEXT => {
            let (ctx, payload) = (ctx.clone(), job.payload.clone());
            store
                .write(move |tx| {
                    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
                    let Some((key, text)) = long_text::read_what_came(tx, &ctx, workspace_id, &payload)? else {
                        return Ok(());
                    };
                    let Some(channel) = tx.channel(workspace_id, key.channel_id)? else { return Ok(()) };
                    Ok::<_, WorkError>(super::inbox::obey(tx, &ctx, &workspace, &channel, &text)?)
                })
                .await
        }
        FETCH_MEDIA => {
            let payload: FetchMedia = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            // Each attempt is a transfer, so each counts.
            segue_delivery::fetch_media(&wiring.files, workspace_id, payload.media_id)
                .await
                .map_err(|error| WorkError::Failed(error.to_string()))
        }
        CHECK_MEDIA => {
            let payload: FetchMedia = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            wiring.files.check(workspace_id, payload.media_id, job.attempts).await.map_err(|error| match error {
                FilesError::Store(error) => WorkError::Store(error),
                FilesError::NotChecked(why) if !why.may_pass() => WorkError::Hopeless(why.to_string()),
                other => WorkError::Failed(other.to_string()),
            })
        }
        SETTLE_TEMPLATE => {
            let payload: SettleTemplate = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            segue_delivery::template_admin::settle(store, ctx, workspace_id, payload.template_id)
                .await
                .map_err(of_template)
        }
        READ_TEMPLATE => {
            let payload: SettleTemplate = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            let read = segue_delivery::read_template_again(store, ctx, workspace_id, payload.template_id).await;
            read.map_err(of_delivery)
        }
        JOIN_CUSTOMERS => {
            let payload: JoinCustomers = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            let ctx = ctx.clone();
            let joined = move |tx: &mut Tx<'_>| customers::join(tx, &ctx, workspace_id, &payload);
            store.write(joined).await.map_err(|error| of_desk(error.into()))
        }
        TELL_BLOCK => {
            let payload: TellBlock = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            let told = segue_delivery::tell_block(store, ctx, workspace_id, payload.messaging_user_id).await;
            told.map_err(of_delivery)
        }
        SHOW_CUSTOMER => {
            let payload: ShowCustomer = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            // A courtesy: the job is done, and its place free, whatever WhatsApp says and however long that takes.
            let (store, ctx) = (store.clone(), ctx.clone());
            tokio::spawn(async move {
                if let Err(error) = segue_delivery::show_customer(&store, &ctx, workspace_id, payload).await {
                    tracing::debug!(code = error.code(), %workspace_id, "a customer was not shown that they were read");
                }
            });
            Ok(())
        }
        RUN_IMPORT | UNDO_IMPORT => {
            let payload: ImportJob = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            // It works chunk by chunk and can end between any two; the next start goes on.
            let work = async {
                match job.kind.as_str() {
                    RUN_IMPORT => import::run(store, ctx, workspace_id, payload.import_id, |_| {}).await,
                    _ => import::undo::run(store, ctx, workspace_id, payload.import_id).await,
                }
            };
            tokio::select! {
                done = work => done.map(|_| ()).map_err(of_outreach),
                () = wiring.shutdown.cancelled() => {
                    Err(StoreError::Unavailable("Segue is shutting down".to_owned()).into())
                }
            }
        }
        FIND_DUPLICATES => {
            let payload: SearchJob = serde_json::from_value(job.payload.clone())
                .map_err(|error| WorkError::Hopeless(format!("It cannot be read: {error}.")))?;
            tokio::select! {
                done = merge::search(store, ctx, workspace_id, payload.number) => done.map_err(of_outreach),
                () = wiring.shutdown.cancelled() => {
                    Err(StoreError::Unavailable("Segue is shutting down".to_owned()).into())
                }
            }
        }
        other => Err(WorkError::Hopeless(format!("Nobody knows jobs of the kind '{other}'."))),
    }
}

/// What does not come from the store is the same at every attempt: the campaign is paused with it, for a person to see.
fn campaign_error(error: OutreachError) -> WorkError {
    match error {
        OutreachError::Store(error) => WorkError::Store(error),
        other => WorkError::Hopeless(other.to_string()),
    }
}

/// Payload of a job that fetches or checks a file.
#[derive(serde::Deserialize)]
struct FetchMedia {
    media_id: MediaId,
}

/// Payload of a job that looks what became of a template, or reads it again.
#[derive(serde::Deserialize)]
struct SettleTemplate {
    template_id: TemplateId,
}

/// Payload of a job that runs or undoes an import.
#[derive(serde::Deserialize)]
struct ImportJob {
    import_id: ImportId,
}

/// Payload of a job that searches for duplicates.
#[derive(serde::Deserialize)]
struct SearchJob {
    number: i64,
}

/// What comes from the store stays its own: a database that is away uses up no attempt.
fn of_desk(error: InboundError) -> WorkError {
    match error {
        InboundError::Desk(DeskError::Store(error)) => WorkError::Store(error),
        other => WorkError::Failed(other.to_string()),
    }
}

fn of_outreach(error: OutreachError) -> WorkError {
    match error {
        OutreachError::Store(error) => WorkError::Store(error),
        other => WorkError::Failed(other.to_string()),
    }
}

fn of_delivery(error: DeliveryError) -> WorkError {
    match error {
        DeliveryError::Store(error) => WorkError::Store(error),
        other => WorkError::Failed(other.to_string()),
    }
}

fn of_template(error: TemplateError) -> WorkError {
    match error {
        TemplateError::Store(error) => WorkError::Store(error),
        TemplateError::Delivery(error) => of_delivery(error),
        other => WorkError::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_of_the_bot_waits_without_an_attempt_while_the_database_is_away() {
        let away = InboundError::from(StoreError::Unavailable("a conflict".to_owned()));
        assert!(matches!(of_desk(away).remedy(), Remedy::PutBack));
        let taken = InboundError::from(StoreError::LeaseLost);
        assert!(matches!(of_desk(taken).remedy(), Remedy::Leave));
        let other = InboundError::from(DeskError::SessionEnded);
        assert!(matches!(of_desk(other).remedy(), Remedy::Note(..)));
    }

    #[test]
    fn templates_wait_without_an_attempt_while_the_database_is_away() {
        let away = || StoreError::Unavailable("a conflict".to_owned());
        let errors =
            [of_delivery(away().into()), of_template(away().into()), of_template(DeliveryError::from(away()).into())];
        for error in errors {
            assert!(matches!(error.remedy(), Remedy::PutBack), "{error}");
        }
        assert!(matches!(of_delivery(DeliveryError::StoredMeanwhile).remedy(), Remedy::Note(..)), "it is asked again");
        assert!(matches!(of_template(TemplateError::InDoubt).remedy(), Remedy::Note(..)));
    }
}

//! What may go on while webhooks come: a campaign that is planned and sent, and contacts that are deleted, both in the
//! ordinary way and in the same database.

use std::sync::Arc;

use segue_model::{CampaignId, ContactId, Ctx, WorkspaceId, actor::Actor, campaign::CampaignAction};
use segue_outreach::{campaign::action, grid};
use segue_store::channel::SmppConfig;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::sms::{Afternoon, Run, account};
use crate::server::Server;

/// Contacts deleted at once, as many as the grid shows on its largest page.
const DELETED_AT_ONCE: usize = 100;
/// Numbers of those who are deleted; far from the recipients'.
const LEAVING: u64 = 14_550_000_000;

/// What to run beside.
#[derive(clap::Args)]
pub struct BesideArguments {
    /// Recipients of a campaign that is planned and sent beside the webhooks, and as many contacts again that are deleted
    /// meanwhile. The carrier is named by `--smpp`.
    #[arg(long, default_value_t = 0, requires = "smpp", value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    beside: u64,
    /// The carrier: smpp://USER:PASSWORD@HOST:PORT
    #[arg(long, value_name = "URL")]
    smpp: Option<String>,
}

impl BesideArguments {
    /// The machine's clock, or one by which no quiet hours hold the campaign.
    pub(super) fn ctx(&self) -> Ctx {
        if self.beside == 0 { Ctx::system() } else { Ctx::with_clock(Arc::new(Afternoon::today())) }
    }
}

/// What went on.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    beside_recipients: u64,
    /// Recipients planned while webhooks came.
    planned: i64,
    /// Messages the carrier took while webhooks came.
    submitted: i64,
    /// Contacts deleted while webhooks came.
    deleted: u64,
}

/// Everything is ready to begin.
pub(super) struct Ready {
    run: Run,
    workspace_id: WorkspaceId,
    campaign_id: CampaignId,
    account: SmppConfig,
    leaving: Vec<ContactId>,
    recipients: u64,
}

/// It goes on.
pub(super) struct Going {
    ready: Ready,
    stop: CancellationToken,
    deleting: JoinHandle<anyhow::Result<u64>>,
}

impl Ready {
    /// Makes the contacts and the campaign; `None` when nothing is asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make(
        arguments: &BesideArguments,
        server: &Server,
        ctx: &Ctx,
        workspace_id: WorkspaceId,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(url), 1..) = (&arguments.smpp, arguments.beside) else { return Ok(None) };
        let account = account(url, 1_000)?;
        let run = Run { store: server.store().clone(), ctx: ctx.clone(), links: server.links().clone() };
        let recipients = arguments.beside;
        let (list_id, _) = run.contacts(workspace_id, "Recipients", 15_550_000_000, recipients).await?;
        let (_, leaving) = run.contacts(workspace_id, "Leaving", LEAVING, recipients).await?;
        let campaign_id = run.campaign(workspace_id, list_id).await?;
        Ok(Some(Self { run, workspace_id, campaign_id, account, leaving, recipients }))
    }

    /// Begins.
    ///
    /// # Errors
    /// When the campaign does not start.
    pub async fn begin(mut self) -> anyhow::Result<Going> {
        let Run { store, ctx, links } = &self.run;
        action::act(store, ctx, links, self.workspace_id, self.campaign_id, CampaignAction::Start).await?;
        self.run.connect(self.workspace_id, self.account.clone()).await?;
        let stop = CancellationToken::new();
        let (store, ctx, workspace_id, ended) = (store.clone(), ctx.clone(), self.workspace_id, stop.clone());
        let leaving = std::mem::take(&mut self.leaving);
        let deleting = tokio::spawn(async move {
            let mut deleted = 0;
            for ids in leaving.chunks(DELETED_AT_ONCE) {
                if ended.is_cancelled() {
                    break;
                }
                grid::delete(&store, &ctx, workspace_id, &Actor::System, ids.to_vec()).await?;
                deleted += ids.len() as u64;
            }
            Ok(deleted)
        });
        Ok(Going { ready: self, stop, deleting })
    }
}

impl Going {
    /// Ends, and tells what went on.
    ///
    /// # Errors
    /// When it had ended of itself with an error.
    pub async fn end(self) -> anyhow::Result<Beside> {
        let Ready { run, workspace_id, campaign_id, recipients, .. } = self.ready;
        let (planned, submitted) = run.progress(workspace_id, campaign_id).await?;
        self.stop.cancel();
        let deleted = self.deleting.await??;
        let Run { store, ctx, links } = &run;
        // It may have come to its end by itself.
        let _ = action::act(store, ctx, links, workspace_id, campaign_id, CampaignAction::Cancel).await;
        Ok(Beside { beside_recipients: recipients, planned, submitted, deleted })
    }
}

impl std::fmt::Display for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "beside       a campaign to {}: {} planned, {} taken by the carrier; {} contacts deleted",
            self.beside_recipients, self.planned, self.submitted, self.deleted
        )
    }
}

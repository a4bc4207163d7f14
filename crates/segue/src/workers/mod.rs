//! What goes on in the background: one file per kind of work, all wired here.
//!
//! Each worker looks for work when it is woken and from time to time anyway; a lost wake-up or a restarted process costs a
//! poll interval. Nothing is kept in memory that is not in the database.

mod callbacks;
mod housekeeping;
mod inbox;
mod jobs;
mod routing;
mod search;
mod twilio;

use std::{sync::Arc, time::Duration};

use segue_api::whatsapp_items::ItemError;
use segue_bus::Bus;
use segue_channels::outgoing::Reach;
use segue_delivery::Files;
use segue_model::Ctx;
use segue_outreach::Links;
use segue_store::{Store, StoreError, dead_letter::Verdict};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a worker waits for a wake-up before it looks by itself.
const POLL: Duration = Duration::from_millis(500);

/// What every worker can use.
pub struct Wiring {
    pub store: Store,
    pub ctx: Ctx,
    pub bus: Bus,
    pub links: Links,
    /// The bytes of files.
    pub files: Files,
    /// Name of this process in leases.
    pub node: String,
    /// How far status callbacks may go.
    pub callbacks: Reach,
    pub shutdown: CancellationToken,
}

/// Starts all workers.
pub fn start(wiring: &Arc<Wiring>, tasks: &TaskTracker) {
    tasks.spawn(inbox::run(Arc::clone(wiring)));
    tasks.spawn(jobs::run(Arc::clone(wiring)));
    tasks.spawn(callbacks::run(Arc::clone(wiring)));
    tasks.spawn(routing::run(Arc::clone(wiring)));
    tasks.spawn(search::run(Arc::clone(wiring)));
    tasks.spawn(housekeeping::run(Arc::clone(wiring)));
    tasks.spawn(housekeeping::clean(Arc::clone(wiring)));
    tasks.spawn(housekeeping::erase(Arc::clone(wiring)));
    tasks.spawn(wiring.files.clone().sweep(wiring.shutdown.clone()));
}

/// Why a piece of work was not done.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    /// The input itself is at fault; trying again cannot help.
    #[error("{0}")]
    Hopeless(String),
    /// May work later.
    #[error("{0}")]
    Failed(String),
    /// What it waits for comes in a moment; that is no failure.
    #[error("{0}")]
    NotYet(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ItemError> for WorkError {
    fn from(error: ItemError) -> Self {
        match error {
            ItemError::Hopeless(why) => Self::Hopeless(why),
            ItemError::Failed(why) => Self::Failed(why),
            ItemError::NotYet(why) => Self::NotYet(why),
            ItemError::Store(error) => Self::Store(error),
        }
    }
}

/// What to do about a failed piece of work.
enum Remedy {
    /// Another worker has it; nothing is to be done.
    Leave,
    /// The database is away, or it is too early; give it back without counting the attempt.
    PutBack,
    /// Count the attempt and note the reason.
    Note(Verdict, String),
}

impl WorkError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Store(StoreError::LeaseLost) => Remedy::Leave,
            Self::NotYet(_) | Self::Store(StoreError::Unavailable(_)) => Remedy::PutBack,
            Self::Hopeless(reason) => Remedy::Note(Verdict::GiveUp, reason.clone()),
            other => Remedy::Note(Verdict::TryAgain, other.to_string()),
        }
    }
}

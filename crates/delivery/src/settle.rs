//! Recording how a submission ended.

use std::{sync::Arc, time::Duration};

use segue_channels::ErrorClass;
use segue_model::{Ctx, time};
use segue_store::{
    StoreError, Tx,
    outbox::OutboxMessage,
    submission::{Cost, Failure},
};

use crate::{failover, supervisor::Env};

/// Milliseconds before a message that is known not to have left is tried again, by the number of attempts.
const TRY_AGAIN: &[i64] =
    &[5 * time::SECOND, 30 * time::SECOND, 3 * time::MINUTE, 10 * time::MINUTE, 30 * time::MINUTE];
/// How often storing an outcome is tried before the lease is left to run out.
const STORE_ATTEMPTS: u32 = 5;

/// How a submission ended, the same for all providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider's ids, one for each part.
    Accepted(Vec<String>),
    /// Certainly not sent. `wait` is what the provider asks for.
    NotSent {
        failure: Failure,
        wait: Option<Duration>,
        cost: Cost,
    },
    Refused(Failure),
    /// Nobody can say; ids of the parts that certainly went.
    Unknown {
        reason: String,
        provider_ids: Vec<String>,
    },
}

impl Outcome {
    /// A failure that is known not to have reached the recipient. Being asked to slow down, having no connection (no
    /// code then) or wrong credentials say nothing about the message and use up no attempt.
    pub(crate) fn not_sent(failure: Failure, class: ErrorClass, wait: Option<Duration>) -> Self {
        let free = match class {
            ErrorClass::Throttled | ErrorClass::Authentication => true,
            ErrorClass::ProviderDown => failure.code.is_none(),
            _ => false,
        };
        Self::NotSent { failure, wait, cost: if free { Cost::Free } else { Cost::Attempt } }
    }
}

/// Stores the outcome of one message; see [`settle_all`].
pub(crate) async fn settle(env: &Env, message: &OutboxMessage, outcome: Outcome) {
    settle_all(env, vec![(message.clone(), outcome)]).await;
}

/// Stores outcomes. When the database stays away, the rows stay `submitting`; their leases run out and they become
/// `unknown`, which is then the truth.
pub(crate) async fn settle_all(env: &Env, outcomes: Vec<(OutboxMessage, Outcome)>) {
    let outcomes = Arc::new(outcomes);
    for attempt in 1..=STORE_ATTEMPTS {
        let (ctx, own) = (env.ctx.clone(), Arc::clone(&outcomes));
        match env.store.write(move |tx| record_all(tx, &ctx, &own)).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, attempt, messages = outcomes.len(), "outcomes could not be stored");
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt))).await;
            }
        }
    }
}

/// Records outcomes in the running transaction.
pub(crate) fn record_all(tx: &mut Tx<'_>, ctx: &Ctx, outcomes: &[(OutboxMessage, Outcome)]) -> Result<(), StoreError> {
    outcomes.iter().try_for_each(|(message, outcome)| record(tx, ctx, message, outcome))
}

fn record(tx: &mut Tx<'_>, ctx: &Ctx, message: &OutboxMessage, outcome: &Outcome) -> Result<(), StoreError> {
    let now = ctx.now();
    match outcome {
        Outcome::Accepted(provider_ids) => tx.mark_accepted(message, provider_ids, ctx),
        Outcome::Refused(failure) => fail(tx, ctx, message, failure),
        Outcome::Unknown { reason, provider_ids } => tx.mark_unknown(message, provider_ids, reason, ctx).map(|_| ()),
        Outcome::NotSent { failure, wait, cost } => {
            let index = usize::try_from(message.attempts).unwrap_or(usize::MAX);
            let delay = match (cost, TRY_AGAIN.get(index)) {
                (Cost::Free, _) => time::SECOND,
                (Cost::Attempt, Some(delay)) => *delay,
                (Cost::Attempt, None) => return fail(tx, ctx, message, failure),
            };
            let asked = wait.and_then(|wait| i64::try_from(wait.as_millis()).ok()).unwrap_or_default();
            tx.requeue_message(message, now.plus(delay.max(asked)), *cost, failure, now).map(|_| ())
        }
    }
}

/// It is known not to have been sent, and this way will not send it: it leaves by its second way, or fails.
fn fail(tx: &mut Tx<'_>, ctx: &Ctx, message: &OutboxMessage, failure: &Failure) -> Result<(), StoreError> {
    if failover::instead_of_failing(tx, ctx, message, failure)? {
        return Ok(());
    }
    tx.mark_failed(message, failure, ctx.now()).map(|_| ())
}

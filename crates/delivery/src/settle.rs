//! Recording how a submission ended.

use std::{sync::Arc, time::Duration};

use segue_channels::ErrorClass;
use segue_model::{Ctx, time};
use segue_store::{
    StoreError, Tx,
    outbox::OutboxMessage,
    submission::{Cost, Failure},
};

use crate::{failover, holds, marketing_rest, meta_stop, rates, supervisor::Env};

/// Milliseconds before a message that is known not to have left is tried again, by the number of attempts.
const TRY_AGAIN: &[i64] =
    &[5 * time::SECOND, 30 * time::SECOND, 3 * time::MINUTE, 10 * time::MINUTE, 30 * time::MINUTE];
/// How often storing outcomes is tried while delivery ends, or when it is not the database that is away, before their
/// leases are left to run out.
const LAST_ATTEMPTS: u32 = 5;
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a submission ended, the same for all providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The provider's ids, one for each part.
    Accepted(Vec<String>),
    /// Taken, and held back by the platform while it looks at the template.
    Assessed(Vec<String>),
    /// Certainly not sent, or to be sent again though nobody can say ([`Cost::Doubt`]). `wait` is what the provider asks
    /// for.
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

/// Stores outcomes, however long the database stays away: they are known here alone. When the process ends before that,
/// the rows stay `submitting`, their leases run out and they become `unknown`, which is then the truth.
pub(crate) async fn settle_all(env: &Env, outcomes: Vec<(OutboxMessage, Outcome)>) {
    let outcomes = Arc::new(outcomes);
    let (mut pause, mut last_attempts) = (Duration::from_millis(100), 0);
    while last_attempts < LAST_ATTEMPTS {
        let (ctx, own) = (env.ctx.clone(), Arc::clone(&outcomes));
        let Err(error) = env.store.write(move |tx| record_all(tx, &ctx, &own)).await else { return };
        tracing::error!(%error, messages = outcomes.len(), "outcomes could not be stored; it is tried again");
        let is_away = matches!(error, StoreError::Unavailable(_));
        last_attempts += u32::from(env.stop.is_cancelled() || !is_away);
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Records outcomes in the running transaction.
pub(crate) fn record_all(tx: &mut Tx<'_>, ctx: &Ctx, outcomes: &[(OutboxMessage, Outcome)]) -> Result<(), StoreError> {
    let accepted = outcomes.iter().filter_map(|(message, outcome)| match outcome {
        Outcome::Accepted(provider_ids) => Some((message, provider_ids.as_slice())),
        _ => None,
    });
    tx.mark_all_accepted(&accepted.collect::<Vec<_>>(), ctx)?;
    outcomes.iter().try_for_each(|(message, outcome)| record_other(tx, ctx, message, outcome))
}

/// Records an outcome that is not that the provider has the message.
fn record_other(tx: &mut Tx<'_>, ctx: &Ctx, message: &OutboxMessage, outcome: &Outcome) -> Result<(), StoreError> {
    let now = ctx.now();
    match outcome {
        Outcome::Accepted(_) => Ok(()),
        Outcome::Assessed(provider_ids) => tx.mark_assessed(message, provider_ids, ctx).map(|_| ()),
        Outcome::Refused(failure) | Outcome::NotSent { failure, .. } if holds::holds(message, failure).is_some() => {
            holds::hold(tx, message, failure, now)
        }
        Outcome::Refused(failure) => fail(tx, ctx, message, failure),
        Outcome::Unknown { reason, provider_ids } => tx.mark_unknown(message, provider_ids, reason, ctx).map(|_| ()),
        Outcome::NotSent { failure, wait, cost } => {
            if *cost == Cost::Free {
                // No carrier saw it, so none counts it.
                rates::give_back(tx, message)?;
            }
            if refuses_account(failure) && failover::instead_of_failing(tx, ctx, message, failure)? {
                return Ok(());
            }
            let index = usize::try_from(message.attempts).unwrap_or(usize::MAX);
            let delay = match (cost, TRY_AGAIN.get(index)) {
                (Cost::Free, _) => time::SECOND,
                (Cost::Attempt | Cost::Doubt, Some(delay)) => *delay,
                // Tried often enough, and still nobody can say.
                (Cost::Doubt, None) => return tx.mark_unknown(message, &[], &failure.reason, ctx).map(|_| ()),
                (Cost::Attempt, None) => return fail(tx, ctx, message, failure),
            };
            let asked = wait.and_then(|wait| i64::try_from(wait.as_millis()).ok()).unwrap_or_default();
            tx.requeue_message(message, now.plus(delay.max(asked)), *cost, failure, now)?;
            if *cost == Cost::Doubt {
                // Its receipt may have come before the doubt: what arrived is not sent again.
                tx.match_parked_by_recipient(message.workspace_id, message.channel_id, message.id, ctx)?;
            }
            Ok(())
        }
    }
}

/// Statuses of SMPP that speak of the connection, which the next one may cure (SMPP 3.4, 5.1.3: `ESME_RINVBNDSTS`,
/// `ESME_RBINDFAIL`).
const OF_THE_CONNECTION: [&str; 2] = ["0x4", "0xd"];

/// Whether the provider says that the account may not send, whatever the message is: that stands until somebody changes it,
/// so what has a second way does not wait for this one. A connection that may not send is made anew, and its messages wait
/// for that as long as their owner said.
fn refuses_account(failure: &Failure) -> bool {
    let is_of_account = |code: &String| !OF_THE_CONNECTION.contains(&code.as_str());
    failure.code.as_ref().is_some_and(is_of_account) && failure.class == ErrorClass::Authentication.as_str()
}

/// It is known not to have left with this attempt, and this way will not send it: it leaves by its second way, or fails. When
/// an earlier attempt was in doubt it stays in doubt.
fn fail(tx: &mut Tx<'_>, ctx: &Ctx, message: &OutboxMessage, failure: &Failure) -> Result<(), StoreError> {
    meta_stop::note_failure(tx, ctx, message, failure)?;
    marketing_rest::note(tx, message.workspace_id, message.id, failure, (ctx.now(), ctx.now()))?;
    if failover::instead_of_failing(tx, ctx, message, failure)? {
        return Ok(());
    }
    tx.mark_failed(message, failure, ctx.now())?;
    tx.plan_form_refused(message.workspace_id, message.id, ctx)
}

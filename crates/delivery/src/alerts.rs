//! Refusals of WhatsApp that an admin has to hear of, whatever becomes of their messages: kept as a notice, once a day for
//! each code.

use segue_channels::whatsapp::{
    errors::{Act, Meaning, meaning},
    management::PhoneNumberInfo,
};
use segue_model::{Ctx, Timestamp, notice::Severity, time};
use segue_store::{StoreError, Tx, channel::Channel, submission::Failure};

use crate::notices;

/// WhatsApp's code for marketing that is switched off on the interface for messages: everything else goes on.
const MARKETING_IS_OFF: i64 = 131_063;

/// What a failure says that an admin has to hear of.
pub(crate) fn alert(failure: &Failure) -> Option<(i64, Meaning)> {
    let code = failure.code.as_deref()?.parse().ok()?;
    let meaning = meaning(code);
    meaning.alert.then_some((code, meaning))
}

/// Whether nothing of the number can leave until somebody acts.
pub(crate) fn stops_number(failure: &Failure) -> bool {
    alert(failure).is_some_and(|(code, meaning)| meaning.act == Act::Alert && code != MARKETING_IS_OFF)
}

/// How long a refusal counts that nobody met again: nobody may ever send to find out that it is over.
const STANDS: i64 = time::HOUR;

/// Whether a refusal that was met then still counts.
pub(crate) fn stands(refused_at: Timestamp, now: Timestamp) -> bool {
    now.since(refused_at) < STANDS
}

/// The state in words of a channel whose messages are refused for a reason that lies with the account: a number that
/// answers is not well for that.
pub(crate) fn until_sent(reason: &str) -> String {
    format!("{reason} This stands until a message goes out again.")
}

/// Keeps the notice of a failure, when it is one to hear of. The words are ours: what WhatsApp adds is with the message.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    failure: &Failure,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some((code, meaning)) = alert(failure) else { return Ok(()) };
    let severity = if meaning.act == Act::Alert { Severity::Critical } else { Severity::Warning };
    let text = format!("WhatsApp refuses messages: {} {} (code {code})", meaning.reason, meaning.advice);
    notices::keep(tx, ctx, channel, (&key(code, at), severity, &text), at).map(|_| ())
}

/// Names the notice of a code on a day.
pub(crate) fn key(code: i64, at: Timestamp) -> String {
    format!("refused:{code}:{}", at.0.div_euclid(time::DAY))
}

/// Why a number that answers cannot send all the same. A flagged one sends for as long as it is not restricted.
pub(crate) fn cannot_send(number: &PhoneNumberInfo) -> Option<String> {
    let status = number.status.as_deref().unwrap_or("UNKNOWN");
    let sends = ["CONNECTED", "FLAGGED", "UNKNOWN"].contains(&status);
    (!sends).then(|| {
        format!(
            "WhatsApp says that the number is {status}, so it cannot send everything. Look at the number in WhatsApp Manager, and \
             register it again if it is disconnected."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_admin_hears_of_and_what_stops_the_number() {
        let failure = |code: Option<&str>| Failure {
            class: "unknown".to_owned(),
            code: code.map(str::to_owned),
            reason: "no".to_owned(),
        };
        for (code, is_told, stops) in [
            (Some("131042"), true, true),
            (Some("133010"), true, true),
            (Some("131063"), true, false),
            (Some("131048"), true, false),
            (Some("131026"), false, false),
            (Some("0x04"), false, false),
            (None, false, false),
        ] {
            let failure = failure(code);
            assert_eq!((alert(&failure).is_some(), stops_number(&failure)), (is_told, stops), "{code:?}");
        }
        let day = |at| key(131_042, Timestamp(at));
        assert_eq!(day(time::DAY), day(2 * time::DAY - 1));
        assert_ne!(day(time::DAY), day(2 * time::DAY));
    }
}

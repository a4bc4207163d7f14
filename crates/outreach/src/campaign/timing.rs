//! What the audience, the hold-out and the schedule make of a decision of the policy.

use segue_model::{
    Timestamp,
    policy::Rule,
    time,
    variant::{Group, group_of},
};
use segue_store::{campaign::CampaignInput, recipient::SEND_TIME_PASSED};

/// The rule to note and the time before which the message may not leave; no time when there is no message.
///
/// An exclusion comes before everything, for it is what the marketer asked for. The recipient's own time of day can put a
/// message off, never forward.
pub(super) fn refine(
    input: &CampaignInput,
    (rule, not_before): (&'static str, Option<Timestamp>),
    barred: Option<&'static str>,
    zones: &[String],
    position: u32,
    (start, now): (Timestamp, Timestamp),
) -> (&'static str, Option<Timestamp>) {
    if let Some(rule) = barred {
        return (rule, None);
    }
    let Some(not_before) = not_before else { return (rule, None) };
    let paced = not_before.max(pace(input, position, start));
    let local = input.schedule.recipient_time(0, zones);
    if expires_at(input, zones, start).is_some_and(|end| local.map_or(paced, |local| paced.max(local)) > end) {
        return (Rule::Expired.as_str(), None);
    }
    match local {
        Some(local) if now.since(local) > input.schedule.tolerance() => (SEND_TIME_PASSED, None),
        Some(local) => (rule, Some(paced.max(local))),
        None => (rule, Some(paced)),
    }
}

/// Whether the recipient at a position is held out to compare with. To be asked last, of those who would get a message:
/// held out is only who could get it, so that both groups are alike.
pub(super) fn is_held_out(input: &CampaignInput, position: u32) -> bool {
    group_of(position, &super::variants::weights(input), input.held_out_percent) == Group::HeldOut
}

/// When a message that nothing holds would leave: not before its place among so many a minute, the recipient's own time,
/// and the send window (by the workspace's clock).
pub(super) fn leaves_at(
    input: &CampaignInput,
    zones: &[String],
    position: u32,
    (start, now): (Timestamp, Timestamp),
    workspace_zone: &str,
) -> Timestamp {
    let paced = now.max(pace(input, position, start));
    let at = input.schedule.recipient_time(0, zones).map_or(paced, |local| paced.max(local));
    let window = input.schedule.window.and_then(|window| window.around(at, workspace_zone));
    window.map_or(at, |(opens, _)| at.max(opens))
}

/// So many positions a minute, counted from the start: those who get nothing make it slower, nothing makes it faster.
fn pace(input: &CampaignInput, position: u32, start: Timestamp) -> Timestamp {
    let most = input.schedule.per_minute.map(|most| most.max(1));
    most.map_or(start, |most| start.plus(i64::from((position - 1) / most) * time::MINUTE))
}

/// When the message is no longer worth sending: so many hours after the start, or after the recipient's own time; at the
/// latest when what it offers ends.
pub(super) fn expires_at(input: &CampaignInput, zones: &[String], start: Timestamp) -> Option<Timestamp> {
    let offer = input.template.as_ref().and_then(|template| template.offer_ends_at);
    let after = input.schedule.expires_hours.map(|hours| {
        let from = input.schedule.recipient_time(0, zones).map_or(start, |local| local.max(start));
        from.plus(i64::from(hours) * time::HOUR)
    });
    [offer, after].into_iter().flatten().min()
}

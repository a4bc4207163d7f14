//! The suppression list as people keep it, and carriers' files of numbers that were given up.
//!
//! A number that was given up may be somebody else's tomorrow: every consent it had ends, and it goes on the list until
//! its new owner says yes by an act of their own. A yes that was given after the number was given up is the new owner's
//! already, and is left.
//!
//! Numbers are worked on in chunks, each in one transaction; doing a file again changes nothing that is done.

use jiff::civil::Date;
use segue_model::{
    Ctx, PhoneNumber, Timestamp, WorkspaceId,
    actor::Actor,
    bounce::BounceRules,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
};
use segue_store::{
    Store, Tx,
    suppression::{Suppression, SuppressionEvent, SuppressionQuery, SuppressionSource},
};
use serde::{Deserialize, Serialize};

use crate::{
    OutreachError,
    contacts::{self, ConsentInput, clean},
};

/// Most numbers in one request.
pub const MOST_NUMBERS: usize = 10_000;
/// Numbers in one transaction.
const CHUNK: usize = 500;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// Most codes of a kind that a workspace sets.
const MOST_CODES: usize = 100;

/// Numbers to put on the list.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionInput {
    /// Phone numbers as people write them; up to 10,000 in one request.
    pub numbers: Vec<String>,
    /// Why nothing is sent to them.
    pub reason: String,
    /// `file` when they were read from a file; else `manual`.
    #[serde(default)]
    pub source: Option<SuppressionSource>,
}

/// Numbers to take off the list.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressionRemoval {
    /// As the list shows them; up to 10,000 in one request.
    pub addresses: Vec<String>,
    /// Why they may get messages again; it stays on record.
    pub reason: String,
}

/// A number that a carrier says was given up.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivatedNumber {
    pub phone: String,
    /// `YYYY-MM-DD`, the day it was given up on; today when it is not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub on: Option<Date>,
}

/// Numbers that were given up.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivationInput {
    /// Up to 10,000 in one request.
    pub numbers: Vec<DeactivatedNumber>,
    /// Where the list is from, for the record.
    pub source: String,
}

/// A number that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RejectedNumber {
    /// Its place in the request, from 1.
    pub line: usize,
    pub message: String,
}

/// What became of numbers that were to be put on the list, or taken off it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SuppressionsChanged {
    pub changed: usize,
    /// Nothing had to be done: they were on the list, or were not on it.
    pub unchanged: usize,
    pub rejected: Vec<RejectedNumber>,
}

/// What became of numbers that were given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NumbersDeactivated {
    /// Those that lost a consent.
    pub consents_ended: usize,
    /// Those that were put on the list.
    pub suppressed: usize,
    /// Those whose owner said yes after the number was given up; they are left as they are.
    pub kept: usize,
    pub rejected: Vec<RejectedNumber>,
}

fn reason_of(text: &str) -> Result<String, OutreachError> {
    let reason = clean(text, LONGEST_REASON).filter(|_| text.trim().chars().count() <= LONGEST_REASON);
    let rule = "Say why in 1 to 200 characters; whoever looks later will want to know.";
    reason.ok_or_else(|| OutreachError::invalid("reason", rule))
}

fn check_count(field: &'static str, count: usize) -> Result<(), OutreachError> {
    if (1..=MOST_NUMBERS).contains(&count) {
        return Ok(());
    }
    Err(OutreachError::invalid(field, "Give 1 to 10,000 phone numbers. Split a longer list."))
}

/// Numbers that can be read, each once, and those that cannot.
fn parsed<'a, T>(
    numbers: impl Iterator<Item = (&'a str, T)>,
    country: &str,
) -> (Vec<(PhoneNumber, T)>, Vec<RejectedNumber>) {
    let (mut good, mut rejected) = (Vec::new(), Vec::new());
    for (place, (text, with)) in numbers.enumerate() {
        match PhoneNumber::parse(text, Some(country)) {
            Ok(phone) => good.push((phone, with)),
            Err(error) => rejected.push(RejectedNumber { line: place + 1, message: error.to_string() }),
        }
    }
    (good, rejected)
}

async fn country_of(store: &Store, workspace_id: WorkspaceId) -> Result<String, OutreachError> {
    store
        .read(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            Ok(workspace.country)
        })
        .await
}

/// Entries in the order of their addresses.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    query: SuppressionQuery,
) -> Result<Vec<Suppression>, OutreachError> {
    store.read(move |tx| Ok(tx.suppressions(workspace_id, &query)?)).await
}

/// What was done about an address, newest first.
///
/// # Errors
/// When the store fails.
pub async fn history(
    store: &Store,
    workspace_id: WorkspaceId,
    address: String,
) -> Result<Vec<SuppressionEvent>, OutreachError> {
    store.read(move |tx| Ok(tx.suppression_events(workspace_id, &address)?)).await
}

/// Puts numbers on the list, in every writing of their lines, and ends promotional messages that wait for them.
///
/// # Errors
/// When the request is not valid; the chunks before a failure of the store stay.
pub async fn add(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: SuppressionInput,
) -> Result<SuppressionsChanged, OutreachError> {
    let reason = reason_of(&input.reason)?;
    check_count("numbers", input.numbers.len())?;
    let source = input.source.unwrap_or(SuppressionSource::Manual);
    if !matches!(source, SuppressionSource::Manual | SuppressionSource::File) {
        return Err(OutreachError::invalid("source", "Give manual or file; the others are written by the product."));
    }
    let country = country_of(store, workspace_id).await?;
    let (numbers, rejected) = parsed(input.numbers.iter().map(|number| (number.as_str(), ())), &country);
    let mut result = SuppressionsChanged { rejected, ..SuppressionsChanged::default() };
    for chunk in numbers.chunks(CHUNK) {
        let entry = |phone: &PhoneNumber| Suppression {
            address: phone.to_string(),
            reason: reason.clone(),
            source,
            actor: Some(actor.reference()),
            created_at: ctx.now(),
        };
        let lines: Vec<Vec<Suppression>> =
            chunk.iter().map(|(phone, ())| phone.writings().iter().map(entry).collect()).collect();
        let added = store.write_bulk::<_, OutreachError, _>(move |tx| {
            let mut added = 0;
            for line in &lines {
                let mut is_new = false;
                for entry in line {
                    is_new |= tx.put_suppression(workspace_id, entry)?;
                }
                added += usize::from(is_new);
            }
            Ok(added)
        });
        let added = added.await?;
        result.changed += added;
        result.unchanged += chunk.len() - added;
    }
    Ok(result)
}

/// Takes addresses off the list, in every writing of their lines. Their consent stays as it was: whoever had opted out still has.
///
/// # Errors
/// When the request is not valid; the chunks before a failure of the store stay.
pub async fn remove(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: SuppressionRemoval,
) -> Result<SuppressionsChanged, OutreachError> {
    let reason = reason_of(&input.reason)?;
    check_count("addresses", input.addresses.len())?;
    let mut result = SuppressionsChanged::default();
    for chunk in input.addresses.chunks(CHUNK) {
        let (addresses, reason, actor, now) = (chunk.to_vec(), reason.clone(), actor.reference(), ctx.now());
        let removed = store.write_bulk::<_, OutreachError, _>(move |tx| {
            let mut removed = 0;
            for address in &addresses {
                let mut was_on_it = false;
                for writing in PhoneNumber::writings_of(address.trim()) {
                    was_on_it |= tx.remove_suppression(workspace_id, &writing, &reason, &actor, now)?;
                }
                removed += usize::from(was_on_it);
            }
            Ok(removed)
        });
        let removed = removed.await?;
        result.changed += removed;
        result.unchanged += chunk.len() - removed;
    }
    Ok(result)
}

/// Takes numbers out of use that a carrier says were given up.
///
/// # Errors
/// When the request is not valid; the chunks before a failure of the store stay.
pub async fn deactivate(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: DeactivationInput,
) -> Result<NumbersDeactivated, OutreachError> {
    let source = clean(&input.source, LONGEST_REASON)
        .ok_or_else(|| OutreachError::invalid("source", "Say where the list is from, for the record."))?;
    check_count("numbers", input.numbers.len())?;
    let country = country_of(store, workspace_id).await?;
    let numbers = input.numbers.iter().map(|number| (number.phone.as_str(), number.on));
    let (numbers, rejected) = parsed(numbers, &country);
    let mut result = NumbersDeactivated { rejected, ..NumbersDeactivated::default() };
    for chunk in numbers.chunks(CHUNK) {
        let (chunk, ctx, actor, source) = (chunk.to_vec(), ctx.clone(), actor.reference(), source.clone());
        let done = store.write_bulk::<_, OutreachError, _>(move |tx| {
            let mut done = NumbersDeactivated::default();
            for (phone, on) in &chunk {
                let mut line = NumbersDeactivated::default();
                for writing in phone.writings() {
                    let given_up = GivenUp { phone: &writing, on: *on, source: &source, actor: &actor };
                    deactivate_one(tx, &ctx, workspace_id, &given_up, &mut line)?;
                }
                // However it is written, it is one number.
                done.consents_ended += line.consents_ended.min(1);
                done.suppressed += line.suppressed.min(1);
                done.kept += line.kept.min(1);
            }
            Ok(done)
        });
        let done = done.await?;
        result.consents_ended += done.consents_ended;
        result.suppressed += done.suppressed;
        result.kept += done.kept;
    }
    Ok(result)
}

struct GivenUp<'a> {
    phone: &'a PhoneNumber,
    on: Option<Date>,
    source: &'a str,
    actor: &'a str,
}

fn deactivate_one(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    given_up: &GivenUp<'_>,
    done: &mut NumbersDeactivated,
) -> Result<(), OutreachError> {
    let GivenUp { phone, on, source, actor } = *given_up;
    tx.lock_consents(workspace_id)?;
    let states = tx.consent_states(workspace_id, phone.as_str())?;
    // The day may be anywhere on Earth; a yes of the day itself is the former owner's.
    let end_of_day = on.and_then(|day| day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let over = end_of_day.map_or_else(|| ctx.now(), |end| Timestamp(end.timestamp().as_millisecond()).min(ctx.now()));
    let is_yes = |state: ConsentState| state == ConsentState::Granted;
    let is_newer = |since: Option<Timestamp>| since.is_some_and(|since| since > over);
    let marketing =
        states.iter().filter(|(medium, purpose, _)| (*medium, *purpose) == (Medium::Sms, Purpose::Marketing));
    if marketing.into_iter().any(|(.., consent)| is_yes(consent.state) && is_newer(consent.since)) {
        done.kept += 1;
        return Ok(());
    }
    let programmes = contacts::programmes_agreed_to(tx, workspace_id, phone.as_str())?;
    if programmes.iter().any(|(_, since)| is_newer(*since)) {
        done.kept += 1;
        return Ok(());
    }
    if !programmes.is_empty() || states.iter().any(|(.., consent)| consent.state != ConsentState::None) {
        let input = ConsentInput {
            medium: Medium::Sms,
            purpose: Purpose::Marketing,
            action: ConsentAction::Reassign,
            method: ConsentMethod::CarrierReport,
            wording: None,
            proof: Some(format!("Given up, says {source}")),
            occurred_at: None,
            expires_at: None,
            scope: None,
            context: Default::default(),
            address: None,
        };
        contacts::reassign(tx, ctx, workspace_id, phone, &input, actor)?;
        done.consents_ended += 1;
    }
    let entry = Suppression {
        address: phone.to_string(),
        reason: format!("The number was given up, says {source}."),
        source: SuppressionSource::Deactivated,
        actor: Some(actor.to_owned()),
        created_at: ctx.now(),
    };
    done.suppressed += usize::from(tx.put_suppression(workspace_id, &entry)?);
    Ok(())
}

/// Checks the rules of bounces.
///
/// # Errors
/// What makes no sense.
pub fn check_rules(rules: &BounceRules) -> Result<(), OutreachError> {
    if rules.after > 100 {
        return Err(OutreachError::invalid("after", "Give a number from 0 (never) to 100."));
    }
    if !(1..=365).contains(&rules.within_days) {
        return Err(OutreachError::invalid("within_days", "Give 1 to 365 days."));
    }
    let codes = [("hard_codes", &rules.hard_codes), ("soft_codes", &rules.soft_codes)];
    for (field, codes) in codes {
        let fits = |code: &String| (1..=20).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
        if codes.len() > MOST_CODES || !codes.iter().all(fits) {
            return Err(OutreachError::invalid(field, "Give up to 100 codes as the provider writes them."));
        }
    }
    if rules.hard_codes.iter().any(|code| rules.soft_codes.contains(code)) {
        return Err(OutreachError::invalid("soft_codes", "A code counts or it does not. Take it out of one list."));
    }
    Ok(())
}

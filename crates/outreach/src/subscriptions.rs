//! How people get into a programme and out of it.
//!
//! A subscription, its entries in the ledger and the text that asks or welcomes are written in one transaction. An
//! opt-in that nobody answers is ended by [`expire`], which may run any number of times.

use std::collections::BTreeSet;

use segue_model::{
    Ctx, PhoneNumber, ProgrammeId, SubscriptionId, Timestamp, WorkspaceId,
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    contact::ContactFields,
    id::Id as _,
    keyword::Found,
    programme::{self, Asked, Awaits, Covers, EndReason, ProgrammeOptIn, Standing, SubscriptionState},
    revocation::{self, RevocationVerdict},
    time,
};
use segue_store::{
    Store, StoreError, Tx,
    channel::{Channel, Sender},
    consent::{ConsentContext, ConsentError, ConsentExtent, NewConsentEvent},
    opt_out::{OptOut, Rest},
    programme::ProgrammeView,
    series::programme_key,
    subscription::SubscriptionView,
    suppression::SuppressionSource,
    workspace::Workspace,
};
use serde::Deserialize;

use crate::{
    OutreachError,
    keywords::{self, Answer, Handled, Text},
};

/// What a programme tells somebody who joined, is in or was turned down has left by then, or does not leave.
const TOLD_WITHIN: i64 = time::DAY;

/// Somebody who is to be asked, or put, into a programme.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscribeInput {
    /// In any usual writing; without a country code it is taken to be of the workspace's country.
    pub phone: String,
    /// The exact words the person agreed to. A programme with single opt-in needs them.
    #[serde(default)]
    pub wording: Option<String>,
    /// Where the proof is, such as the form's number.
    #[serde(default)]
    pub proof: Option<String>,
    /// `web_form` when absent.
    #[serde(default)]
    pub method: Option<ConsentMethod>,
    #[serde(default)]
    pub context: ConsentContext,
}

/// Where a request to join came from.
struct Request<'a> {
    method: ConsentMethod,
    wording: Option<String>,
    proof: Option<String>,
    context: ConsentContext,
    actor: String,
    phone: &'a PhoneNumber,
    /// What is answered by what is sent.
    cause: String,
    /// When it was said. A text that is worked on late counts from when it came in.
    occurred_at: Timestamp,
}

/// What joins and through what.
struct Programme<'a> {
    ctx: &'a Ctx,
    workspace: &'a Workspace,
    channel: &'a Channel,
    sender: &'a Sender,
    view: &'a ProgrammeView,
}

impl Programme<'_> {
    fn fill(&self, text: &str) -> String {
        self.view.settings.fill(text, &self.workspace.settings.brand, &self.view.name)
    }

    fn record(
        &self,
        tx: &mut Tx<'_>,
        request: &Request<'_>,
        action: ConsentAction,
        scope: Scope,
    ) -> Result<(), ConsentError> {
        let event = NewConsentEvent {
            medium: Medium::Sms,
            address: request.phone.to_string(),
            purpose: Purpose::Marketing,
            action,
            method: request.method,
            wording: request.wording.clone(),
            proof: request.proof.clone(),
            actor: request.actor.clone(),
            occurred_at: request.occurred_at,
        };
        let extent = ConsentExtent { scope, expires_at: None, context: request.context.clone() };
        tx.record_consent_within(self.workspace.id, &event, &extent, self.ctx).map(|_| ())
    }

    /// Tells the person something, as long as it is news.
    fn send(&self, tx: &mut Tx<'_>, request: &Request<'_>, text: &str) -> Result<(), StoreError> {
        self.send_until(tx, request, text, request.occurred_at.plus(TOLD_WITHIN))
    }

    fn send_until(
        &self,
        tx: &mut Tx<'_>,
        request: &Request<'_>,
        text: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let words = self.fill(text);
        if words.trim().is_empty() {
            return Ok(());
        }
        let answer = Answer {
            channel: self.channel,
            source: self.sender.address.clone(),
            phone: request.phone,
            words: &words,
            dedupe_key: format!("{}{}", programme_key(self.view.id), request.cause),
            expires_at: Some(until),
        };
        keywords::enqueue(tx, self.ctx, self.workspace, answer)
    }

    /// Whether a no stands that was said after the request, which is worked on late: what was said last counts.
    fn has_said_no_since(&self, tx: &mut Tx<'_>, request: &Request<'_>) -> Result<bool, StoreError> {
        let (workspace_id, address) = (self.workspace.id, request.phone.as_str());
        let mut said = vec![tx.consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing)?];
        let programme = self.view.id.uuid();
        said.push(tx.scoped_consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing, programme)?);
        let refused = tx.refused_senders(workspace_id, address, self.sender.id)?;
        let is_later = |since: Option<Timestamp>| since.is_some_and(|since| since > request.occurred_at);
        Ok(refused.into_iter().any(|(_, since)| is_later(since))
            || said.into_iter().any(|consent| consent.state == ConsentState::Revoked && is_later(consent.since)))
    }

    /// Makes a subscription active: ledger, contact, list, welcome. What was asked for before a no is noted in the ledger
    /// and does nothing.
    fn activate(
        &self,
        tx: &mut Tx<'_>,
        request: &Request<'_>,
        action: ConsentAction,
        mut subscription: SubscriptionView,
    ) -> Result<SubscriptionView, ConsentError> {
        let now = self.ctx.now();
        let workspace_id = self.workspace.id;
        if self.view.covers == Covers::AllMarketing {
            self.record(tx, request, action, Scope::All)?;
        }
        self.record(tx, request, action, Scope::Programme(self.view.id))?;
        // A no to one account of the sender or one number of its pools holds for all of them, so each is taken back.
        for (id, _) in tx.refused_senders(workspace_id, request.phone.as_str(), self.sender.id)? {
            self.record(tx, request, action, Scope::Sender(id))?;
        }
        if self.has_said_no_since(tx, request)? {
            return Ok(subscription);
        }
        (subscription.state, subscription.awaits, subscription.expires_at) = (SubscriptionState::Active, None, None);
        (subscription.confirmed_at, subscription.ended_at, subscription.end_reason) = (Some(now), None, None);
        tx.put_subscription(workspace_id, &subscription)?;
        let fields = ContactFields { phone: Some(request.phone.clone()), ..ContactFields::default() };
        let contact = tx.upsert_contact(workspace_id, self.ctx.id(), &fields, now)?.id();
        if let (Some(list_id), Some(contact)) = (self.view.list_id, contact) {
            tx.add_to_list(workspace_id, list_id, contact, now)?;
        }
        self.send(tx, request, &self.view.settings.welcome_text)?;
        Ok(subscription)
    }

    /// Whether what joining consents to stands. It may have been taken back elsewhere, of somebody who is still in.
    fn is_agreed(&self, tx: &mut Tx<'_>, address: &str) -> Result<bool, StoreError> {
        let workspace_id = self.workspace.id;
        let programme = self.view.id.uuid();
        let to_it = tx.scoped_consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing, programme)?;
        if to_it.state != ConsentState::Granted
            || !tx.refused_senders(workspace_id, address, self.sender.id)?.is_empty()
        {
            return Ok(false);
        }
        let all = tx.consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing)?.state;
        // What a review holds was agreed to; joining once more would not end the review.
        let is_in = matches!(all, ConsentState::Granted | ConsentState::InReview);
        Ok(is_in || self.view.covers == Covers::Programme)
    }

    /// Puts the number in, or asks it.
    fn join(&self, tx: &mut Tx<'_>, request: &Request<'_>) -> Result<SubscriptionView, OutreachError> {
        let (workspace_id, now) = (self.workspace.id, self.ctx.now());
        let address = request.phone.as_str();
        if self.view.ended_at.is_some() {
            return Err(OutreachError::ProgrammeEnded);
        }
        tx.lock_consents(workspace_id)?;
        let is_given_up = match tx.suppression_source(workspace_id, address)? {
            None => false,
            // Whoever texts with a number that was given up is its new owner; their yes takes it off the list.
            Some(SuppressionSource::Deactivated) if request.method == ConsentMethod::Keyword => true,
            Some(_) => return Err(OutreachError::Refused(segue_model::policy::Rule::Suppressed)),
        };
        let known = tx.subscription_of(workspace_id, self.view.id, address)?;
        if let Some(active) = known.clone().filter(|known| known.state == SubscriptionState::Active)
            && !is_given_up
            && self.is_agreed(tx, address)?
        {
            if request.method == ConsentMethod::Keyword {
                self.send(tx, request, &self.view.settings.already_text)?;
            } else if let Ok(asked) = Asked::again(active.asked, Standing::Open, now) {
                // Anybody can fill in a form with this number.
                tx.put_subscription(workspace_id, &SubscriptionView { asked: Some(asked), ..active.clone() })?;
                self.send(tx, request, &self.view.settings.already_text)?;
            }
            return Ok(active);
        }
        let earlier = known.as_ref().and_then(|known| known.asked);
        let mut subscription = SubscriptionView {
            id: known.as_ref().map_or_else(|| self.ctx.id(), |known| known.id),
            programme_id: self.view.id,
            programme_name: self.view.name.clone(),
            address: address.to_owned(),
            contact_id: None,
            contact_name: None,
            state: SubscriptionState::Pending,
            method: request.method,
            awaits: None,
            requested_at: now,
            expires_at: None,
            confirmed_at: None,
            ended_at: None,
            end_reason: None,
            tries: 0,
            asked: earlier,
        };
        let is_refused = !tx.refused_senders(workspace_id, address, self.sender.id)?.is_empty();
        let (awaits, question) = match self.view.opt_in {
            // A no to this number is taken back by the person alone.
            ProgrammeOptIn::Single if is_refused && request.method != ConsentMethod::Keyword => {
                return Err(ConsentError::OptedOut.into());
            }
            ProgrammeOptIn::Single => return Ok(self.activate(tx, request, ConsentAction::Grant, subscription)?),
            ProgrammeOptIn::Double => (Awaits::Confirmation, &self.view.settings.ask_text),
            ProgrammeOptIn::AgeGated => (Awaits::BirthDate, &self.view.settings.birth_date_question),
        };
        if self.has_said_no_since(tx, request)? {
            return Err(OutreachError::Refused(segue_model::policy::Rule::OptedOut));
        }
        let state = tx.consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing)?.state;
        let standing = if is_refused || state == ConsentState::Revoked { Standing::SaidNo } else { Standing::Open };
        let asked = Asked::again(earlier, standing, now).map_err(|until| {
            let seconds = u32::try_from((until.0 - now.0).max(0) / 1_000 + 1).unwrap_or(u32::MAX);
            OutreachError::AskedRecently { until, seconds }
        })?;
        (subscription.awaits, subscription.asked) = (Some(awaits), Some(asked));
        let until = self.view.settings.pending_until(now);
        subscription.expires_at = Some(until);
        self.record(tx, request, ConsentAction::Request, Scope::Programme(self.view.id))?;
        tx.put_subscription(workspace_id, &subscription)?;
        // A yes to a question that is over would count for nothing.
        self.send_until(tx, request, question, until)?;
        Ok(subscription)
    }
}

fn request_of<'a>(text: &Text<'a>) -> Request<'a> {
    Request {
        method: ConsentMethod::Keyword,
        wording: Some(text.sms.text.trim().to_owned()),
        proof: Some(text.sms.inbox_id.to_string()),
        context: ConsentContext::default(),
        actor: "customer".to_owned(),
        phone: text.phone,
        cause: text.sms.inbox_id.to_string(),
        occurred_at: text.sms.received_at,
    }
}

/// Joins a programme by its word.
pub(crate) fn join_by_word(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    sender: &Sender,
    id: ProgrammeId,
) -> Result<Handled, ConsentError> {
    tx.lock_consents(text.workspace.id)?;
    let Some(view) = tx.programme(text.workspace.id, id)? else { return Ok(Handled::Word) };
    let programme = Programme { ctx: text.ctx, workspace: text.workspace, channel: text.channel, sender, view: &view };
    match programme.join(tx, &request_of(text)) {
        Ok(_) => Ok(Handled::OptIn),
        Err(OutreachError::Store(error)) => Err(error.into()),
        Err(OutreachError::Consent(error)) => Err(error),
        // Asked shortly before, suppressed, over, or taken back since: there is nothing to say to the person.
        Err(_) => Ok(Handled::Word),
    }
}

/// Leaves a programme by its word, with what it gave and nothing else.
pub(crate) fn leave_by_word(tx: &mut Tx<'_>, text: &Text<'_>, id: ProgrammeId) -> Result<Handled, ConsentError> {
    let workspace_id = text.workspace.id;
    tx.lock_consents(workspace_id)?;
    let said = keywords::said(text, ConsentAction::Revoke);
    let no = OptOut {
        said_on: Medium::Sms,
        phones: vec![said.address],
        hidden: BTreeSet::new(),
        sender: text.sender.map(|sender| sender.id),
        method: said.method,
        wording: said.wording,
        proof: said.proof,
        actor: said.actor,
        occurred_at: said.occurred_at,
    };
    let left = match tx.subscription_of(workspace_id, id, text.phone.as_str())? {
        Some(known) => {
            tx.leave_programme(workspace_id, &known, (EndReason::Stopped, Rest::TakenBack), &no, text.ctx)?
        }
        None => false,
    };
    if !left {
        tx.refuse_programme(workspace_id, id, &no, text.ctx)?;
    }
    Ok(Handled::OptIn)
}

/// The opt-in that a text answers. One whose programme asks something else by now, or has ended, is answered by nothing.
fn pending(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Option<(SubscriptionView, ProgrammeView, Awaits)>, StoreError> {
    let Some(sender) = text.sender else { return Ok(None) };
    let now = text.sms.received_at;
    let (workspace_id, address) = (text.workspace.id, text.phone.as_str());
    if tx.pending_subscription(workspace_id, address, sender.id, now)?.is_none() {
        return Ok(None);
    }
    // Whoever changes the programme in this moment ends what was asked before.
    tx.lock_consents(workspace_id)?;
    let Some(pending) = tx.pending_subscription(workspace_id, address, sender.id, now)? else { return Ok(None) };
    let Some(view) = tx.programme(workspace_id, pending.programme_id)? else { return Ok(None) };
    let awaits = pending.awaits.filter(|awaits| view.ended_at.is_none() && view.opt_in.awaits() == Some(*awaits));
    Ok(awaits.map(|awaits| (pending, view, awaits)))
}

/// Whether a text that reads as a START says yes to a question that cannot be answered so: it was taken back before its
/// time, for its programme has ended or asks something else by now, or it asked for another word. It agrees to nothing,
/// least of all to everything, which the same word means where nothing was asked. After a no the question is forgotten.
pub(crate) fn is_yes_to_nothing(tx: &mut Tx<'_>, text: &Text<'_>, found: &Found) -> Result<bool, StoreError> {
    let Some(sender) = text.sender else { return Ok(false) };
    let (workspace_id, now) = (text.workspace.id, text.sms.received_at);
    let Some((id, asked_at)) = tx.asked_last(workspace_id, text.phone.as_str(), sender.id, now)? else {
        return Ok(false);
    };
    let last = tx.last_keyword(workspace_id, Medium::Sms, text.phone.as_str())?;
    if last.is_some_and(|(action, at)| action.is_no() && at > asked_at) {
        return Ok(false);
    }
    let Some(view) = tx.programme(workspace_id, id)? else { return Ok(false) };
    let today = programme::today(now, &text.workspace.time_zone);
    let is_yes = || view.settings.read(Awaits::Confirmation, text.sms.text, today) == programme::Answer::Yes;
    Ok((found.is_an_answer_elsewhere() || is_yes()) && view.settings.pending_until(asked_at) > now)
}

/// Takes a text as the answer to a pending opt-in, when it is one.
pub(crate) fn answer(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Option<Handled>, ConsentError> {
    let Some(sender) = text.sender else { return Ok(None) };
    let Some((pending, view, awaits)) = pending(tx, text)? else { return Ok(None) };
    let today = programme::today(text.ctx.now(), &text.workspace.time_zone);
    let programme = Programme { ctx: text.ctx, workspace: text.workspace, channel: text.channel, sender, view: &view };
    let mut request = request_of(text);
    let reason = match view.settings.read(awaits, text.sms.text, today) {
        programme::Answer::Unclear => return Ok(None),
        programme::Answer::Yes => {
            if awaits == Awaits::BirthDate {
                // Enough to prove what was decided; the date itself is in the text that was received.
                request.wording = Some(format!("Gave a birth date of age {} or older", view.settings.minimum_age));
            }
            programme.activate(tx, &request, ConsentAction::Confirm, pending)?;
            return Ok(Some(Handled::OptIn));
        }
        programme::Answer::No => EndReason::Denied,
        programme::Answer::TooYoung => EndReason::TooYoung,
    };
    tx.end_subscription(text.workspace.id, pending.id, reason, text.ctx.now())?;
    let (action, words) = match reason {
        EndReason::Denied => (ConsentAction::Deny, &view.settings.declined_text),
        _ => {
            request.wording = Some(format!("Gave a birth date below the age of {}", view.settings.minimum_age));
            (ConsentAction::Expire, &view.settings.too_young_text)
        }
    };
    programme.record(tx, &request, action, Scope::Programme(view.id))?;
    programme.send(tx, &request, words)?;
    Ok(Some(Handled::OptIn))
}

/// Asks for a birth date again when the answer holds none; gives up after a few times. What may be a no is left to those
/// who look at it.
pub(crate) fn ask_again(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Option<Handled>, ConsentError> {
    let Some(sender) = text.sender else { return Ok(None) };
    let Some((mut pending, view, Awaits::BirthDate)) = pending(tx, text)? else { return Ok(None) };
    if revocation::read(text.sms.text).verdict != RevocationVerdict::No {
        return Ok(None);
    }
    pending.tries += 1;
    if pending.tries >= programme::MOST_TRIES {
        tx.end_subscription(text.workspace.id, pending.id, EndReason::Unclear, text.ctx.now())?;
        return Ok(Some(Handled::OptIn));
    }
    tx.put_subscription(text.workspace.id, &pending)?;
    let programme = Programme { ctx: text.ctx, workspace: text.workspace, channel: text.channel, sender, view: &view };
    let until = pending.expires_at.unwrap_or_else(|| text.sms.received_at.plus(TOLD_WITHIN));
    programme.send_until(tx, &request_of(text), &view.settings.retry_text, until)?;
    Ok(Some(Handled::OptIn))
}

/// Asks a number into a programme, or puts it in when the programme has single opt-in and the wording is given.
///
/// # Errors
/// When there is no such programme or it has ended, the number is not valid, on the suppression list, has opted out (and
/// the programme has single opt-in), or was asked shortly before.
pub async fn subscribe(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: ProgrammeId,
    input: SubscribeInput,
) -> Result<SubscriptionView, OutreachError> {
    let (ctx, actor) = (ctx.clone(), actor.reference());
    let method = input.method.unwrap_or(ConsentMethod::WebForm);
    if !matches!(
        method,
        ConsentMethod::WebForm
            | ConsentMethod::Paper
            | ConsentMethod::Verbal
            | ConsentMethod::Api
            | ConsentMethod::Agent
    ) {
        return Err(OutreachError::invalid(
            "method",
            "Name how the person asked for it: web_form, paper, verbal, api or agent.",
        ));
    }
    store
        .write(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            // Before the programme is read, so that nobody is asked what it no longer says.
            tx.lock_consents(workspace_id)?;
            let view = tx.programme(workspace_id, id)?.ok_or(OutreachError::NotFound("programme"))?;
            let sender = tx.sender(workspace_id, view.sender_id)?.ok_or(OutreachError::NotFound("sender"))?;
            let channel = tx.channel(workspace_id, sender.channel_id)?.ok_or(OutreachError::NotFound("channel"))?;
            let phone = PhoneNumber::parse(&input.phone, Some(&workspace.country))?;
            let programme =
                Programme { ctx: &ctx, workspace: &workspace, channel: &channel, sender: &sender, view: &view };
            let request = Request {
                method,
                wording: input.wording.clone(),
                proof: input.proof.clone(),
                context: input.context.clone(),
                actor: actor.clone(),
                phone: &phone,
                cause: ctx.uuid().to_string(),
                occurred_at: ctx.now(),
            };
            let subscription = programme.join(tx, &request)?;
            Ok(tx.subscription(workspace_id, subscription.id)?.unwrap_or(subscription))
        })
        .await
}

/// The subscriptions to a programme, newest first.
///
/// # Errors
/// When there is no such programme.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    programme_id: ProgrammeId,
    before: Option<SubscriptionId>,
    limit: i64,
) -> Result<Vec<SubscriptionView>, OutreachError> {
    store
        .read(move |tx| {
            tx.programme(workspace_id, programme_id)?.ok_or(OutreachError::NotFound("programme"))?;
            Ok(tx.subscriptions_of_programme(workspace_id, programme_id, before, limit)?)
        })
        .await
}

/// Ends a subscription by hand. What the person consented to with it ends too.
///
/// # Errors
/// When there is no such subscription.
pub async fn end(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: SubscriptionId,
) -> Result<SubscriptionView, OutreachError> {
    let (ctx, actor) = (ctx.clone(), actor.reference());
    store
        .write(move |tx| {
            tx.lock_consents(workspace_id)?;
            let known = tx.subscription(workspace_id, id)?.ok_or(OutreachError::NotFound("subscription"))?;
            let no = OptOut {
                said_on: Medium::Sms,
                phones: vec![known.address.clone()],
                hidden: BTreeSet::new(),
                sender: None,
                method: ConsentMethod::Agent,
                wording: None,
                proof: None,
                actor: actor.clone(),
                occurred_at: ctx.now(),
            };
            tx.leave_programme(workspace_id, &known, (EndReason::Removed, Rest::TakenBack), &no, &ctx)?;
            tx.subscription(workspace_id, id)?.ok_or(OutreachError::NotFound("subscription"))
        })
        .await
}

/// Ends opt-ins that nobody answered in time, and forgets questions of chains that nobody will answer any more.
///
/// # Errors
/// When the store fails.
pub fn expire(tx: &mut Tx<'_>, workspace_id: WorkspaceId, ctx: &Ctx) -> Result<usize, OutreachError> {
    let due = tx.due_subscriptions(workspace_id, ctx.now())?;
    for subscription in &due {
        tx.end_subscription(workspace_id, subscription.id, EndReason::Expired, ctx.now())?;
        let (address, method) = (subscription.address.clone(), subscription.method);
        note_end(tx, workspace_id, ctx, (address, method, subscription.programme_id))?;
    }
    tx.delete_old_dialogues(workspace_id, ctx.now())?;
    Ok(due.len())
}

/// Ends the opt-ins to a programme that wait for an answer, and the questions that have not left: what was asked is not
/// what a yes would mean by now. The consents must be locked.
pub(crate) fn end_pending(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    ctx: &Ctx,
    id: ProgrammeId,
) -> Result<(), OutreachError> {
    for (subscription, address, method) in tx.pending_of_programme(workspace_id, id)? {
        tx.end_subscription(workspace_id, subscription, EndReason::Removed, ctx.now())?;
        tx.cancel_texts_of_programme(workspace_id, &address, id)?;
        note_end(tx, workspace_id, ctx, (address, method, id))?;
    }
    Ok(())
}

/// Notes in the ledger that an opt-in ended without an answer.
fn note_end(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    ctx: &Ctx,
    (address, method, id): (String, ConsentMethod, ProgrammeId),
) -> Result<(), ConsentError> {
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address,
        purpose: Purpose::Marketing,
        action: ConsentAction::Expire,
        method,
        wording: None,
        proof: None,
        actor: "system".to_owned(),
        occurred_at: ctx.now(),
    };
    tx.record_consent_within(workspace_id, &event, &ConsentExtent::of(Scope::Programme(id)), ctx).map(|_| ())
}

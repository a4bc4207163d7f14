//! What customers text: STOP, START and HELP, opt-ins, words of the workspace, answers, and free text that is a no.
//!
//! Runs in the transaction that marks the inbox row as done: ledger, canceled messages and answers stand or fall together
//! with it, and an inbox row is worked on once. What is tried first wins:
//!
//! 1. STOP, in any language. It reaches as far as the workspace's setting says ([`segue_store::opt_out`]).
//! 2. The answer to an opt-in that is pending at the sender ([`crate::subscriptions`]).
//! 3. A word of the workspace ([`crate::words`]), STOP followed by one, and the word of a vote followed by an option
//!    ([`crate::votes`]).
//! 4. START and HELP. A yes to a question that was taken back meanwhile is no START.
//! 5. Free text that clearly takes consent back ([`segue_model::revocation`]): obeyed like STOP.
//! 6. The answer to a question of a chain, and what is no answer to the question for a birth date; neither takes what 7.
//!    does.
//! 7. Free text that may take consent back: marketing waits until a person has looked at it ([`crate::reviews`]).
//!
//! What is said counts from the moment it came in: a text that is worked on again days later, as a dead letter is, undoes
//! nothing that was said after it.
//!
//! What the provider took for STOP, START or HELP and has answered itself goes the same way ([`handle_answered`]), but that
//! we are silent about it.
//!
//! Every text is kept in full, whatever is done about it, and the pictures and files that came with it are fetched. One
//! confirmation answers a no, from the sender it was sent to
//! and within five minutes or not at all; a repeat gets none, so that two machines cannot talk to each other for ever.

use std::collections::BTreeSet;

use segue_model::{
    Ctx, InboxId, MessageId, PhoneNumber, ProgrammeId, SenderId, Timestamp,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, OptOutScope, Purpose, Scope},
    content::SmsContent,
    delivery::MessageClass,
    keyword::{Found, Keyword},
    plain,
    programme::{EndReason, KeywordAction},
    revocation::{self, RevocationVerdict},
    time,
};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, Sender, SenderKind},
    consent::{ConsentError, ConsentExtent, NewConsentEvent},
    consent_review::NewReview,
    inbound_text::NewInboundText,
    opt_out::{OptOut, Rest},
    outbox::{AddressKind, NewOutbox, Payload},
    text_file::NamedFile,
    workspace::Workspace,
};

use crate::{subscriptions, votes, words};

/// A second START is not confirmed again within this time.
const CONFIRM_AGAIN: i64 = 24 * time::HOUR;
/// An answer that has not left by then does not leave: 47 CFR 64.1200(a)(12) allows one confirmation within five minutes.
const ANSWER_WITHIN: i64 = 5 * time::MINUTE;

/// A customer's SMS from the inbox.
#[derive(Debug, Clone, Copy)]
pub struct InboundSms<'a> {
    /// Kept as the proof of what was said.
    pub inbox_id: InboxId,
    /// As the carrier gives it, with or without plus sign.
    pub from: &'a str,
    /// Whether the carrier calls that a national number.
    pub is_national: bool,
    /// The sender of ours that it was sent to.
    pub to: &'a str,
    pub text: &'a str,
    /// Files that came with it, still at the provider.
    pub files: &'a [NamedFile],
    /// When it was stored in the inbox.
    pub received_at: Timestamp,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It asks for nothing; it is kept.
    NoKeyword,
    /// The keyword was obeyed and answered.
    Answered(Keyword),
    /// The keyword was obeyed; it had been answered before.
    Repeated(Keyword),
    /// The keyword was obeyed; by setting, by law of its sender's kind or because the provider has answered, there is no
    /// answer of ours to it.
    Silent(Keyword),
    /// It asked for, confirmed or declined a programme.
    OptIn,
    /// A word of the workspace.
    Word,
    /// The answer to a question of a chain.
    Captured,
    /// A vote.
    Vote,
    /// Free text that took consent back.
    Revoked,
    /// Free text that a person looks at.
    Review,
}

impl Handled {
    /// The word under which the text is kept.
    const fn outcome(self) -> &'static str {
        match self {
            Self::NoKeyword => "none",
            Self::Answered(keyword) | Self::Repeated(keyword) | Self::Silent(keyword) => keyword.as_str(),
            Self::OptIn => "opt_in",
            Self::Word => "keyword",
            Self::Captured => "answer",
            Self::Vote => "vote",
            Self::Revoked => "revoked",
            Self::Review => "review",
        }
    }
}

/// A text with what is known about it.
pub(crate) struct Text<'a> {
    pub ctx: &'a Ctx,
    pub workspace: &'a Workspace,
    pub channel: &'a Channel,
    pub phone: &'a PhoneNumber,
    /// The sender of ours that it was sent to, when it is one.
    pub sender: Option<&'a Sender>,
    pub sms: &'a InboundSms<'a>,
    /// What the provider took it for and has answered already.
    pub answered: Option<Keyword>,
}

/// Obeys a text, and keeps it.
///
/// # Errors
/// When the store fails.
pub fn handle(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    sms: &InboundSms<'_>,
) -> Result<Handled, StoreError> {
    receive(tx, ctx, workspace, channel, (sms, None))
}

/// [`handle`] for a text that the provider took for a keyword and has answered already: it is obeyed as that keyword, and
/// gets no STOP, START or HELP answer of ours.
///
/// # Errors
/// When the store fails.
pub fn handle_answered(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    sms: &InboundSms<'_>,
    keyword: Keyword,
) -> Result<Handled, StoreError> {
    receive(tx, ctx, workspace, channel, (sms, Some(keyword)))
}

fn receive(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    (sms, answered): (&InboundSms<'_>, Option<Keyword>),
) -> Result<Handled, StoreError> {
    // Carriers write the sender with its country code; a national writing is read in the workspace's country.
    let read = PhoneNumber::of_handset(sms.from, sms.is_national, &workspace.country);
    let handled = match &read {
        Ok(phone) => {
            let written = sms.to.trim().trim_start_matches('+');
            let senders = tx.senders(workspace.id)?;
            let sender = senders.iter().find(|sender| {
                sender.channel_id == channel.id && sender.address.trim_start_matches('+').eq_ignore_ascii_case(written)
            });
            let text = Text { ctx, workspace, channel, phone, sender, sms, answered };
            obey(tx, &text).map_err(store_error)?
        }
        // A sender that is no phone number, such as a short code, is a machine without a consent.
        Err(_) => Handled::NoKeyword,
    };
    let address = read.as_ref().map_or(sms.from, PhoneNumber::as_str);
    let kept = NewInboundText {
        id: ctx.id(),
        channel_id: channel.id,
        sender: sms.to,
        address,
        text: sms.text,
        outcome: handled.outcome(),
        received_at: sms.received_at,
        files: sms.files.len(),
    };
    tx.keep_text(workspace.id, &kept)?;
    tx.receive_text_files(workspace.id, (kept.id, channel.id), sms.files, ctx)?;
    Ok(handled)
}

/// Proof is always given here, and no yes is claimed for somebody else.
pub(crate) fn store_error(error: ConsentError) -> StoreError {
    match error {
        ConsentError::Store(error) => error,
        other => StoreError::Corrupt(other.to_string()),
    }
}

/// The keyword that a text is: what the provider took it for, else what it reads as. What reads as STOP is one, whatever
/// the provider took it for.
fn keyword_of(text: &Text<'_>) -> Option<Found> {
    let read = Keyword::find(text.sms.text, Medium::Sms, &text.workspace.settings.consent.extra_words);
    match text.answered {
        Some(keyword) if read.as_ref().is_none_or(|read| read.keyword != Keyword::Stop) => {
            Some(Found { keyword, language: "en".to_owned(), word: text.sms.text.trim().to_owned() })
        }
        _ => read,
    }
}

fn obey(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Handled, ConsentError> {
    let found = keyword_of(text);
    if let Some(stop) = found.as_ref().filter(|found| found.keyword == Keyword::Stop) {
        return self::stop(tx, text, stop);
    }
    if let Some(handled) = subscriptions::answer(tx, text)? {
        return Ok(handled);
    }
    if let Some(sender) = text.sender {
        if let Some(word) = tx.keyword_in(text.workspace.id, sender.id, text.sms.text, text.sms.received_at)? {
            return words::obey(tx, text, sender, &word);
        }
        if let Some(handled) = stop_word(tx, text, sender)? {
            return Ok(handled);
        }
        if let Some(handled) = votes::at_once(tx, text, sender)? {
            return Ok(handled);
        }
    }
    match found {
        Some(found) if found.keyword == Keyword::Start => {
            if subscriptions::is_yes_to_nothing(tx, text, &found)? {
                return Ok(Handled::OptIn);
            }
            return start(tx, text, &found);
        }
        Some(found) => return help(tx, text, &found),
        None => {}
    }
    let reading = revocation::read(text.sms.text);
    if reading.verdict == RevocationVerdict::Revoke {
        let language = reading.said.first().map_or("en", |evidence| evidence.language.as_str());
        let was_out = is_out(tx, text)?;
        opt_out(tx, text, ConsentMethod::FreeText)?;
        if !was_out {
            answer(tx, text, Keyword::Stop, language)?;
        }
        return Ok(Handled::Revoked);
    }
    if let Some(handled) = subscriptions::ask_again(tx, text)? {
        return Ok(handled);
    }
    if let Some(handled) = words::capture(tx, text)? {
        return Ok(handled);
    }
    if reading.verdict == RevocationVerdict::Review {
        let review = NewReview {
            id: text.ctx.id(),
            medium: Medium::Sms,
            address: text.phone.to_string(),
            held: text.phone.writings().iter().map(ToString::to_string).collect(),
            sender: text.sms.to.to_owned(),
            text: text.sms.text.to_owned(),
            reading,
            proof: text.sms.inbox_id.to_string(),
        };
        tx.open_review(text.workspace.id, &review, text.ctx.now())?;
        return Ok(Handled::Review);
    }
    Ok(Handled::NoKeyword)
}

fn stop(tx: &mut Tx<'_>, text: &Text<'_>, found: &Found) -> Result<Handled, ConsentError> {
    let was_out = is_out(tx, text)?;
    opt_out(tx, text, ConsentMethod::Keyword)?;
    if was_out {
        return Ok(Handled::Repeated(Keyword::Stop));
    }
    answer(tx, text, Keyword::Stop, &found.language)
}

/// STOP and a word of a programme: leaves that programme alone when the setting lets a no reach that far only, and
/// everything that it says otherwise, or when the person never was in it. Said again, it says nothing new.
fn stop_word(tx: &mut Tx<'_>, text: &Text<'_>, sender: &Sender) -> Result<Option<Handled>, ConsentError> {
    let said = plain::words(text.sms.text);
    let Some((first, rest)) = said.split_first() else { return Ok(None) };
    let extra = &text.workspace.settings.consent.extra_words;
    if rest.is_empty() || Keyword::find(first, Medium::Sms, extra).is_none_or(|found| found.keyword != Keyword::Stop) {
        return Ok(None);
    }
    let word = tx.keyword_in(text.workspace.id, sender.id, &rest.concat(), text.sms.received_at)?;
    let Some(KeywordAction::Join { programme_id }) = word.map(|word| word.action) else { return Ok(None) };
    let reaches_one = text.workspace.settings.consent.opt_out_scope == OptOutScope::Programme;
    if reaches_one && has_left(tx, text, programme_id)? {
        return Ok(Some(Handled::Repeated(Keyword::Stop)));
    }
    let was_out = is_out(tx, text)?;
    let is_enough = reaches_one && leave_programme(tx, text, programme_id)?;
    if !is_enough {
        opt_out(tx, text, ConsentMethod::Keyword)?;
    }
    if was_out {
        return Ok(Some(Handled::Repeated(Keyword::Stop)));
    }
    answer(tx, text, Keyword::Stop, "en").map(Some)
}

/// Whether the person has said no to this sender by text and nothing else since.
fn is_out(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<bool, StoreError> {
    let (workspace_id, address) = (text.workspace.id, text.phone.as_str());
    let said_no = tx.last_keyword(workspace_id, Medium::Sms, address)?.is_some_and(|(action, _)| action.is_no());
    let all = tx.consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing)?.state;
    Ok(said_no && (all == ConsentState::Revoked || !closed(tx, text)?.is_empty()))
}

/// The senders that have a no which was meant for this one only, on whichever account or number of its pools.
fn closed(tx: &mut Tx<'_>, text: &Text<'_>) -> Result<Vec<SenderId>, StoreError> {
    let Some(sender) = text.sender else { return Ok(Vec::new()) };
    let refused = tx.refused_senders(text.workspace.id, text.phone.as_str(), sender.id)?;
    Ok(refused.into_iter().map(|(id, _)| id).collect())
}

/// Leaves one programme. `false` when the person was not in it.
fn leave_programme(tx: &mut Tx<'_>, text: &Text<'_>, id: ProgrammeId) -> Result<bool, ConsentError> {
    let workspace_id = text.workspace.id;
    tx.lock_consents(workspace_id)?;
    let no = no_of(text, ConsentMethod::Keyword);
    let mut left = false;
    for phone in &no.phones {
        if let Some(known) = tx.subscription_of(workspace_id, id, phone)? {
            left |= tx.leave_programme(workspace_id, &known, (EndReason::Stopped, Rest::TakenBack), &no, text.ctx)?;
        }
    }
    Ok(left)
}

/// Whether the person has left this programme by a no of their own.
fn has_left(tx: &mut Tx<'_>, text: &Text<'_>, id: ProgrammeId) -> Result<bool, StoreError> {
    for phone in text.phone.writings() {
        let known = tx.subscription_of(text.workspace.id, id, phone.as_str())?;
        if known.is_some_and(|known| known.end_reason == Some(EndReason::Stopped)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn opt_out(tx: &mut Tx<'_>, text: &Text<'_>, method: ConsentMethod) -> Result<(), ConsentError> {
    let no = no_of(text, method);
    tx.opt_out(text.workspace.id, text.workspace.settings.consent.opt_out_scope, &no, text.ctx)
}

fn no_of(text: &Text<'_>, method: ConsentMethod) -> OptOut {
    OptOut {
        said_on: Medium::Sms,
        // WhatsApp may know the same line under another writing.
        phones: text.phone.writings().iter().map(ToString::to_string).collect(),
        hidden: BTreeSet::new(),
        sender: text.sender.map(|sender| sender.id),
        method,
        wording: Some(text.sms.text.trim().to_owned()),
        proof: Some(text.sms.inbox_id.to_string()),
        actor: "customer".to_owned(),
        occurred_at: text.sms.received_at,
    }
}

fn start(tx: &mut Tx<'_>, text: &Text<'_>, found: &Found) -> Result<Handled, ConsentError> {
    let last = tx.last_keyword(text.workspace.id, Medium::Sms, text.phone.as_str())?;
    let repeated =
        last.is_some_and(|(said, at)| said == ConsentAction::Grant && text.sms.received_at.since(at) < CONFIRM_AGAIN);
    record_yes(tx, text, ConsentAction::Grant, Scope::All)?;
    reopen_sender(tx, text, ConsentAction::Grant)?;
    if repeated {
        return Ok(Handled::Repeated(Keyword::Start));
    }
    answer(tx, text, Keyword::Start, &found.language)
}

/// HELP is answered whatever the person has said, but for toll-free numbers, where the network lets nothing through to
/// somebody who has opted out.
fn help(tx: &mut Tx<'_>, text: &Text<'_>, found: &Found) -> Result<Handled, ConsentError> {
    if is_toll_free(text) && is_out(tx, text)? {
        return Ok(Handled::Silent(Keyword::Help));
    }
    answer(tx, text, Keyword::Help, &found.language)
}

fn is_toll_free(text: &Text<'_>) -> bool {
    text.sender.is_some_and(|sender| sender.kind == SenderKind::TollFree)
}

/// Records a yes that the person has just texted.
pub(crate) fn record_yes(
    tx: &mut Tx<'_>,
    text: &Text<'_>,
    action: ConsentAction,
    scope: Scope,
) -> Result<(), ConsentError> {
    let event = said(text, action);
    tx.record_consent_within(text.workspace.id, &event, &ConsentExtent::of(scope), text.ctx).map(|_| ())
}

/// Takes back a no that was meant for this sender only, whichever of its accounts or number of its pools it came in on.
pub(crate) fn reopen_sender(tx: &mut Tx<'_>, text: &Text<'_>, action: ConsentAction) -> Result<(), ConsentError> {
    for id in closed(tx, text)? {
        record_yes(tx, text, action, Scope::Sender(id))?;
    }
    Ok(())
}

/// An entry of the ledger about what the person has texted.
pub(crate) fn said(text: &Text<'_>, action: ConsentAction) -> NewConsentEvent {
    NewConsentEvent {
        medium: Medium::Sms,
        address: text.phone.to_string(),
        purpose: Purpose::Marketing,
        action,
        method: ConsentMethod::Keyword,
        wording: Some(text.sms.text.trim().to_owned()),
        proof: Some(text.sms.inbox_id.to_string()),
        actor: "customer".to_owned(),
        occurred_at: text.sms.received_at,
    }
}

/// Answers a keyword in its language, unless the provider has answered it, or the workspace or the sender's kind keeps
/// silent about it.
fn answer(tx: &mut Tx<'_>, text: &Text<'_>, keyword: Keyword, language: &str) -> Result<Handled, ConsentError> {
    let settings = &text.workspace.settings;
    // The network of toll-free numbers answers STOP and START itself, and blocks our answer.
    let by_network = is_toll_free(text) && keyword != Keyword::Help;
    if by_network || text.answered.is_some() || settings.consent.silent.contains(&keyword) {
        return Ok(Handled::Silent(keyword));
    }
    let own = match keyword {
        Keyword::Stop => &settings.stop_reply,
        Keyword::Start => &settings.start_reply,
        Keyword::Help => &settings.help_reply,
    };
    let reply = settings.consent.reply(keyword, language).unwrap_or(own).replace("{brand}", &settings.brand);
    send(tx, text, &reply, "keyword")?;
    Ok(Handled::Answered(keyword))
}

/// Sends an answer from the number that was texted. `kind` tells apart several answers to one text.
pub(crate) fn send(tx: &mut Tx<'_>, text: &Text<'_>, words: &str, kind: &str) -> Result<(), StoreError> {
    if words.trim().is_empty() {
        return Ok(());
    }
    let source = text.sender.map_or_else(|| text.sms.to.trim().to_owned(), |sender| sender.address.clone());
    let answer = Answer {
        channel: text.channel,
        source,
        phone: text.phone,
        words,
        dedupe_key: format!("{kind}:{}", text.sms.inbox_id),
        expires_at: Some(text.sms.received_at.plus(ANSWER_WITHIN)),
    };
    enqueue(tx, text.ctx, text.workspace, answer)
}

/// A text that answers a person.
pub(crate) struct Answer<'a> {
    pub channel: &'a Channel,
    pub source: String,
    pub phone: &'a PhoneNumber,
    pub words: &'a str,
    pub dedupe_key: String,
    pub expires_at: Option<Timestamp>,
}

pub(crate) fn enqueue(tx: &mut Tx<'_>, ctx: &Ctx, workspace: &Workspace, answer: Answer<'_>) -> Result<(), StoreError> {
    let segments = segue_channels::text::segment_on(answer.words, answer.channel.config.writing()).segments.len();
    let content = SmsContent::of_text(answer.source, answer.words.to_owned());
    let now = ctx.now();
    let message = NewOutbox {
        id: ctx.id::<MessageId>(),
        channel_id: answer.channel.id,
        class: MessageClass::Keyword,
        dedupe_key: answer.dedupe_key,
        address: answer.phone.to_string(),
        address_kind: AddressKind::Phone,
        payload: Payload::of(&content)?,
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at: answer.expires_at,
        segments: u32::try_from(segments).ok(),
    };
    tx.enqueue(workspace.id, &message, now)?;
    Ok(())
}

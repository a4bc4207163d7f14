//! STOP and START in a chat, free text that takes consent back, and what the customer told Meta: each is a consent event.
//!
//! A keyword and a clear revocation do not reach the bot; what only may be a revocation does, marketing waits, and a
//! person looks at it. How far a no reaches is the workspace's setting, as for texts ([`segue_store::opt_out`]).

use segue_channels::whatsapp::webhook::UserPreference;
use segue_channels::whatsapp::{Content, InboundMessage};
use segue_model::{
    MessagingUserId, Timestamp,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
    content::Content as Outbound,
    delivery::MessageClass,
    keyword::Keyword,
    revocation::{self, RevocationVerdict},
    session::{EndedBy, OptIn, SessionState},
};
use segue_store::{
    Tx, consent::NewConsentEvent, consent_review::NewReview, customer_address::CustomerAddresses, flow::RunStatus,
    message::AuthorKind, opt_out::OptOut, session::Session,
};

use super::{Desk, InboundError, entry, identify, times};
use crate::{
    DeskError, closing,
    notice::Notices,
    pending,
    say::{Outgoing, say, system_line},
};

/// Whether the message was a keyword and needs no further answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyworded {
    Yes,
    No,
}

/// What may be a keyword: what the customer wrote, or a quick reply of a template. An edit that came before its message
/// says what the message would.
fn own_words(content: &Content) -> Option<&str> {
    match entry::said(content) {
        Content::Text { body } => Some(body),
        Content::Button { text, .. } => Some(text),
        _ => None,
    }
}

/// Obeys a no in any words, and START after one, and answers HELP. A session that HELP or START opens goes on as any
/// other, and START begins one that waits for the customer's word; in one that is under way they are no answer to the bot.
///
///  Only what the customer wrote, or a quick reply of a template, can be one: a
/// button of the bot that says "Cancel" is an answer.
pub(super) fn keyword(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    (session, is_first): (&mut Session, bool),
    notices: &mut Notices,
) -> Result<Keyworded, DeskError> {
    let Some(words) = own_words(content) else { return Ok(Keyworded::No) };
    let settings = &desk.workspace.settings;
    let found = Keyword::find(words, Medium::WhatsApp, &settings.consent.extra_words);
    match found.as_ref().map(|found| (found.keyword, found.language.as_str())) {
        Some((Keyword::Stop, language)) => {
            stop(tx, desk, session, words, (ConsentMethod::Keyword, language), message, notices)?;
            return Ok(Keyworded::Yes);
        }
        Some((Keyword::Start, language)) if takes_back(tx, desk, session, message)? => {
            let at = grant(tx, desk, session, words, message)?;
            (session.opt_in, session.opt_in_at) = (OptIn::Granted, Some(at));
            confirm(tx, desk, session, (Keyword::Start, language), &message.wamid, notices)?;
            let has_begun = !is_first && session.state != SessionState::New;
            return Ok(if has_begun { Keyworded::Yes } else { Keyworded::No });
        }
        Some((Keyword::Help, language)) => {
            confirm(tx, desk, session, (Keyword::Help, language), &message.wamid, notices)?;
            return Ok(if is_first { Keyworded::No } else { Keyworded::Yes });
        }
        _ => {}
    }
    let reading = revocation::read(words);
    match reading.verdict {
        RevocationVerdict::Revoke => {
            let language = reading.said.first().map_or("en", |evidence| evidence.language.as_str());
            stop(tx, desk, session, words, (ConsentMethod::FreeText, language), message, notices)?;
            Ok(Keyworded::Yes)
        }
        RevocationVerdict::Review => {
            review(tx, desk, session, words, reading, &message.wamid, notices)?;
            Ok(Keyworded::No)
        }
        RevocationVerdict::No => Ok(Keyworded::No),
    }
}

/// Obeys a no: the ledger, the session, the one confirmation, and the end of the bot.
fn stop(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    words: &str,
    (method, language): (ConsentMethod, &str),
    message: &InboundMessage,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let now = desk.ctx.now();
    let at = said_at(message, now);
    // A no that comes after a later yes is obeyed all the same: the customer hears that nothing more comes, and that holds.
    let yes_at = session.opt_in_at.filter(|_| session.opt_in == OptIn::Granted);
    let at = at.max(yes_at.unwrap_or(at));
    record_no(tx, desk, session.messaging_user_id, words, (method, at), &message.wamid)?;
    (session.opt_in, session.opt_in_at) = (OptIn::Declined, Some(at));
    pending::discard_all(tx, desk.ctx, desk.workspace_id(), session, notices)?;
    confirm(tx, desk, session, (Keyword::Stop, language), &message.wamid, notices)?;
    tx.end_flow_run(desk.workspace_id(), session.id, RunStatus::Ended, now)?;
    stop_session(tx, desk, session, notices)
}

/// Writes a no into the ledger, for every address of the customer.
fn record_no(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    user_id: MessagingUserId,
    words: &str,
    (method, occurred_at): (ConsentMethod, Timestamp),
    wamid: &str,
) -> Result<(), DeskError> {
    let all = tx.addresses_of_customer(desk.workspace_id(), user_id)?;
    let no = OptOut {
        said_on: Medium::WhatsApp,
        phones: all.phones.into_iter().collect(),
        hidden: all.hidden,
        sender: None,
        method,
        wording: Some(words.trim().to_owned()),
        proof: Some(format!("whatsapp message {wamid}")),
        actor: "customer".to_owned(),
        occurred_at,
    };
    tx.opt_out(desk.workspace_id(), desk.workspace.settings.consent.opt_out_scope, &no, desk.ctx)?;
    Ok(())
}

/// A no of somebody who is blocked, one that is older than another, or one from before the number was connected: it is
/// obeyed and not answered.
pub(super) fn silent_no(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    user_id: MessagingUserId,
) -> Result<(), DeskError> {
    let Some(words) = own_words(content) else { return Ok(()) };
    let found = Keyword::find(words, Medium::WhatsApp, &desk.workspace.settings.consent.extra_words);
    let method = if found.is_some_and(|found| found.keyword == Keyword::Stop) {
        ConsentMethod::Keyword
    } else if revocation::read(words).verdict == RevocationVerdict::Revoke {
        ConsentMethod::FreeText
    } else {
        return Ok(());
    };
    record_no(tx, desk, user_id, words, (method, said_at(message, desk.ctx.now())), &message.wamid)
}

/// Holds marketing until somebody has looked at the message; the conversation goes on.
fn review(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    words: &str,
    reading: revocation::Reading,
    wamid: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let user_id = session.messaging_user_id;
    let Some((_, address)) = tx.address_of(desk.workspace_id(), user_id)? else { return Ok(()) };
    let all = tx.addresses_of_customer(desk.workspace_id(), user_id)?;
    let review = NewReview {
        id: desk.ctx.id(),
        medium: Medium::WhatsApp,
        address,
        held: all.phones.into_iter().chain(all.hidden).collect(),
        sender: desk.channel.config.display(),
        text: words.trim().to_owned(),
        reading,
        proof: format!("whatsapp message {wamid}"),
    };
    tx.open_review(desk.workspace_id(), &review, desk.ctx.now())?;
    let told = "This may be an opt-out. Marketing to the customer waits until it is decided under Consent.".to_owned();
    system_line(tx, desk.ctx, desk.workspace_id(), session, told, notices)?;
    Ok(())
}

/// An agent who is talking with the customer, or will, is told; a session that only the bot had is over.
fn stop_session(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let (ctx, workspace_id) = (desk.ctx, desk.workspace_id());
    let told = "The customer asked for no further messages.".to_owned();
    if session.agent_id.is_some() || tx.open_work_item_of(workspace_id, session.id)?.is_some() {
        system_line(tx, ctx, workspace_id, session, told, notices)?;
        Ok(())
    } else {
        closing::close(tx, ctx, workspace_id, session, EndedBy::Customer, told, notices)
    }
}

/// When something was said, by the provider's clock.
fn said_at(message: &InboundMessage, now: Timestamp) -> Timestamp {
    times(message, now).1.min(now)
}

/// Whether a message was certainly written before that moment. What was written in the same second counts in the order of
/// arrival, for the provider tells whole seconds.
pub(super) fn is_before(message: &InboundMessage, moment: Timestamp) -> bool {
    message.at.is_some_and(|at| at.plus(999) < moment)
}

/// The time of what was said in a message, so that it is later than what was said before. `None` when the message is older.
fn after(message: &InboundMessage, at: Timestamp, before: Option<Timestamp>) -> Option<Timestamp> {
    match before {
        Some(before) if is_before(message, before) => None,
        Some(before) => Some(at.max(before.plus(1))),
        None => Some(at),
    }
}

/// Whether a START comes after a no, and so takes it back.
fn takes_back(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    message: &InboundMessage,
) -> Result<bool, DeskError> {
    let of_session = (session.opt_in == OptIn::Declined).then_some(session.opt_in_at);
    let of_ledger = match tx.address_of(desk.workspace_id(), session.messaging_user_id)? {
        Some((_, address)) => {
            let consent = tx.consent_state(desk.workspace_id(), Medium::WhatsApp, &address, Purpose::Marketing)?;
            (consent.state == ConsentState::Revoked).then_some(consent.since)
        }
        None => None,
    };
    let is_later = |no: Option<Timestamp>| no.is_none_or(|no| !is_before(message, no));
    Ok((of_session.is_some() || of_ledger.is_some()) && of_session.into_iter().chain(of_ledger).all(is_later))
}

/// A yes counts for this address and medium only; where the no reached another name of the same account, it ends there too.
/// Gives when it was said.
fn grant(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    words: &str,
    message: &InboundMessage,
) -> Result<Timestamp, DeskError> {
    let (workspace_id, user_id) = (desk.workspace_id(), session.messaging_user_id);
    let said_at = said_at(message, desk.ctx.now());
    let Some((_, own)) = tx.address_of(workspace_id, user_id)? else { return Ok(said_at) };
    let account = tx.addresses_in_use(workspace_id, user_id)?;
    let others = account.phones.into_iter().chain(account.hidden).filter(|address| *address != own);
    let mut granted_at = said_at;
    for address in std::iter::once(own.clone()).chain(others) {
        let consent = tx.consent_state(workspace_id, Medium::WhatsApp, &address, Purpose::Marketing)?;
        let no_at = (consent.state == ConsentState::Revoked).then_some(consent.since);
        if address != own && no_at.is_none() {
            continue;
        }
        let Some(occurred_at) = after(message, said_at, no_at.flatten()) else { continue };
        granted_at = granted_at.max(occurred_at);
        let event = NewConsentEvent {
            medium: Medium::WhatsApp,
            address,
            purpose: Purpose::Marketing,
            action: ConsentAction::Grant,
            method: ConsentMethod::Keyword,
            wording: Some(words.trim().to_owned()),
            proof: Some(format!("whatsapp message {}", message.wamid)),
            actor: "customer".to_owned(),
            occurred_at,
        };
        tx.record_consent(workspace_id, &event, desk.ctx)?;
    }
    Ok(granted_at)
}

fn confirm(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    (keyword, language): (Keyword, &str),
    wamid: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let settings = &desk.workspace.settings;
    let own = match keyword {
        Keyword::Stop => &settings.stop_reply,
        Keyword::Start => &settings.start_reply,
        Keyword::Help => &settings.help_reply,
    };
    let text = settings.consent.reply(keyword, language).unwrap_or(own).replace("{brand}", &settings.brand);
    if text.trim().is_empty() || settings.consent.silent.contains(&keyword) {
        return Ok(());
    }
    let outgoing = Outgoing {
        content: &Outbound::Text { text },
        author: AuthorKind::Bot,
        author_id: None,
        class: MessageClass::Keyword,
        dedupe_key: format!("keyword:{}:{wamid}", session.id),
        client_id: None,
    };
    say(tx, desk.ctx, desk.workspace_id(), session, outgoing, notices).map(|_| ())
}

/// The customer stopped marketing at Meta, which holds for all their addresses as a STOP does. Resuming there does not undo a STOP said to us.
pub(super) fn preference(tx: &mut Tx<'_>, desk: &Desk<'_>, preference: &UserPreference) -> Result<(), InboundError> {
    if preference.value != "stop" {
        return Ok(());
    }
    let identifiers = identify::identifiers(&preference.identity);
    if identifiers.is_empty() {
        return Err(InboundError::NoIdentity);
    }
    identify::lock(tx, desk.channel.id, &identifiers)?;
    let mut all = match identify::known(tx, desk, &identifiers)? {
        Some(user_id) => tx.addresses_of_customer(desk.workspace_id(), user_id)?,
        None => CustomerAddresses::default(),
    };
    for identifier in &identifiers {
        all.add(identifier);
    }
    if all.is_empty() {
        return Err(InboundError::NoIdentity);
    }
    let no = OptOut {
        said_on: Medium::WhatsApp,
        phones: all.phones.into_iter().collect(),
        hidden: all.hidden,
        sender: None,
        method: ConsentMethod::MetaUserPreferences,
        wording: None,
        proof: Some(format!("user_preferences {}", preference.category)),
        actor: "customer".to_owned(),
        occurred_at: preference.at.unwrap_or_else(|| desk.ctx.now()),
    };
    let scope = desk.workspace.settings.consent.opt_out_scope;
    tx.opt_out(desk.workspace_id(), scope, &no, desk.ctx).map_err(DeskError::from)?;
    Ok(())
}

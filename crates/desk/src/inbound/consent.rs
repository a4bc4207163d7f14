//! STOP and START in a chat, and what the customer told Meta: each is a consent event, and none reaches the bot.

use std::collections::BTreeSet;

use segue_channels::whatsapp::webhook::UserPreference;
use segue_channels::whatsapp::{Content, InboundMessage};
use segue_model::{
    PhoneNumber,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
    content::Content as Outbound,
    delivery::MessageClass,
    keyword::Keyword,
    session::{EndedBy, OptIn},
};
use segue_store::{
    Tx, consent::NewConsentEvent, flow::RunStatus, message::AuthorKind, outbox::AddressKind, session::Session,
};

use super::{Desk, InboundError, identify};
use crate::{
    DeskError, closing,
    notice::Notices,
    say::{Outgoing, say, system_line},
};

/// Whether the message was a keyword and needs no further answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyworded {
    Yes,
    No,
}

/// Obeys STOP, and START after a STOP. Only what the customer wrote, or a quick reply of a template, can be one: a
/// button of the bot that says "Cancel" is an answer.
pub(super) fn keyword(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<Keyworded, DeskError> {
    let words = match content {
        Content::Text { body } => body,
        Content::Button { text, .. } => text,
        _ => return Ok(Keyworded::No),
    };
    let now = desk.ctx.now();
    match Keyword::read(words, Medium::WhatsApp) {
        Some(Keyword::Stop) => {
            record(tx, desk, session, ConsentAction::Revoke, words, &message.wamid)?;
            (session.opt_in, session.opt_in_at) = (OptIn::Declined, Some(now));
            confirm(tx, desk, session, &desk.workspace.settings.stop_reply, &message.wamid, notices)?;
            tx.end_flow_run(desk.workspace_id(), session.id, RunStatus::Ended, now)?;
            stop_session(tx, desk, session, notices)?;
            Ok(Keyworded::Yes)
        }
        Some(Keyword::Start) if is_revoked(tx, desk, session)? => {
            record(tx, desk, session, ConsentAction::Grant, words, &message.wamid)?;
            (session.opt_in, session.opt_in_at) = (OptIn::Granted, Some(now));
            confirm(tx, desk, session, &desk.workspace.settings.start_reply, &message.wamid, notices)?;
            Ok(Keyworded::Yes)
        }
        _ => Ok(Keyworded::No),
    }
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
        closing::close(tx, ctx, workspace_id, session, EndedBy::System, told, notices)
    }
}

fn is_revoked(tx: &mut Tx<'_>, desk: &Desk<'_>, session: &Session) -> Result<bool, DeskError> {
    if session.opt_in == OptIn::Declined {
        return Ok(true);
    }
    let Some((_, address)) = tx.address_of(desk.workspace_id(), session.messaging_user_id)? else { return Ok(false) };
    let consent = tx.consent_state(desk.workspace_id(), Medium::WhatsApp, &address, Purpose::Marketing)?;
    Ok(consent.state == ConsentState::Revoked)
}

/// A no counts for every medium and every number the customer can be reached on: the one they write from in all its
/// writings (a Brazilian one may come without its ninth digit), and that of the contact they are linked to, which for a
/// customer who hides the number is the only one known. A yes counts for this address and medium only.
fn record(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    action: ConsentAction,
    words: &str,
    wamid: &str,
) -> Result<(), DeskError> {
    let Some((kind, address)) = tx.address_of(desk.workspace_id(), session.messaging_user_id)? else { return Ok(()) };
    let mut told = vec![(Medium::WhatsApp, address.clone())];
    if action == ConsentAction::Revoke {
        let mut phones = BTreeSet::new();
        if kind == AddressKind::Phone {
            phones.insert(address.clone());
            let parsed = PhoneNumber::parse(&address, None);
            phones.extend(parsed.iter().flat_map(PhoneNumber::writings).map(|phone| phone.to_string()));
        }
        let user = tx.messaging_user(desk.workspace_id(), session.messaging_user_id)?;
        if let Some(contact_id) = user.and_then(|user| user.contact_id)
            && let Some(phone) = tx.contact(desk.workspace_id(), contact_id)?.and_then(|contact| contact.fields().phone)
        {
            phones.insert(phone.to_string());
        }
        told.extend(phones.iter().filter(|phone| **phone != address).map(|phone| (Medium::WhatsApp, phone.clone())));
        told.extend(phones.into_iter().map(|phone| (Medium::Sms, phone)));
    }
    for (medium, address) in told {
        let event = NewConsentEvent {
            medium,
            address,
            purpose: Purpose::Marketing,
            action,
            method: ConsentMethod::Keyword,
            wording: Some(words.trim().to_owned()),
            proof: Some(format!("whatsapp message {wamid}")),
            actor: "customer".to_owned(),
            occurred_at: desk.ctx.now(),
        };
        tx.record_consent(desk.workspace_id(), &event, desk.ctx)?;
    }
    Ok(())
}

fn confirm(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    text: &str,
    wamid: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let text = text.replace("{brand}", &desk.workspace.settings.brand);
    if text.trim().is_empty() {
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

/// The customer stopped marketing at Meta. Resuming there does not undo a STOP said to us.
pub(super) fn preference(tx: &mut Tx<'_>, desk: &Desk<'_>, preference: &UserPreference) -> Result<(), InboundError> {
    if preference.value != "stop" {
        return Ok(());
    }
    let identifiers = identify::identifiers(&preference.identity);
    if identifiers.is_empty() {
        return Err(InboundError::NoIdentity);
    }
    identify::lock(tx, desk.channel.id, &identifiers)?;
    let known = match identify::known(tx, desk, &identifiers)? {
        Some(user_id) => tx.address_of(desk.workspace_id(), user_id)?.map(|(_, address)| address),
        None => None,
    };
    let named = [&preference.identity.phone, &preference.identity.bsuid].into_iter().flatten().next().cloned();
    let Some(address) = known.or(named) else { return Err(InboundError::NoIdentity) };
    let event = NewConsentEvent {
        medium: Medium::WhatsApp,
        address,
        purpose: Purpose::Marketing,
        action: ConsentAction::Revoke,
        method: ConsentMethod::MetaUserPreferences,
        wording: None,
        proof: Some(format!("user_preferences {}", preference.category)),
        actor: "customer".to_owned(),
        occurred_at: preference.at.unwrap_or_else(|| desk.ctx.now()),
    };
    tx.record_consent(desk.workspace_id(), &event, desk.ctx).map_err(DeskError::from)?;
    Ok(())
}

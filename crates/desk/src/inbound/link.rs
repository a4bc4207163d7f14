//! Where a conversation came from, and who in the CRM the customer is.
//!
//! The workspace's rules ([`segue_model::linking`]) say what links, what is asked and what is created. A reference whose
//! recipient has another number than the customer was forwarded: it finds nobody. A link an agent made or took away is
//! left alone. Each change is an entry of the history, written in the transaction that makes it.

use segue_flow::answer;
use segue_model::{
    CampaignId, ContactId, LeadId, PhoneNumber, SessionId, Timestamp, WorkspaceId,
    actor::Actor,
    attribution::Attribution,
    code::{CodeTarget, POSTER},
    contact::ContactFields,
    linking::{Decision, LinkObject, LinkRules, MatchBy, NoMatch},
};
use segue_store::{
    StoreError, Tx,
    contact::ContactView,
    crm::{LeadStatus, LeadView},
    customer_link::{LinkAction, LinkEntry, LinkPrompt, LinkState},
    messaging_user::{IdentifierKind, LinkedBy, MessagingUser},
    recipient::{CodedRecipient, Pointers, Stamp},
    session::{Gathered, Origin, Session},
};

use super::{
    Desk,
    identify::Customer,
    matching::{self, Known},
};
use crate::{DeskError, notice::Notices};

segue_model::text_enum! {
    /// Whether the message began its session.
    pub enum Occasion {
        FirstMessage = "first_message",
        LaterMessage = "later_message",
    }
}

impl Occasion {
    pub(super) const fn of(opened: bool) -> Self {
        if opened { Self::FirstMessage } else { Self::LaterMessage }
    }
}

/// Attributes the session to a campaign's recipient and links the customer, as far as this message tells more than was
/// known.
pub(super) fn attribute_and_link(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    customer: &mut Customer,
    session: &mut Session,
    (code, answers): (Option<CodeTarget>, Option<String>),
    occasion: Occasion,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let is_first = occasion == Occasion::FirstMessage;
    let answered = match answers {
        Some(provider_id) => tx.answered_recipient(desk.workspace_id(), desk.channel.id, &provider_id)?,
        None => None,
    };
    if !is_first && code.is_none() && answered.is_none() && !customer.phone_learned {
        return Ok(());
    }
    let recipient = attribute(tx, desk, customer, session, (code, answered), occasion)?;
    link(tx, desk, customer, session, recipient.as_ref(), notices)?;
    notices.session_updated(session.id);
    Ok(())
}

/// An answer to a campaign's message and a code always decide, since they are what the customer did last; without either,
/// only the first message can point to a recent tap or template, and a number that became known can make a claim certain.
fn attribute(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    customer: &Customer,
    session: &mut Session,
    (code, answered): (Option<CodeTarget>, Option<CodedRecipient>),
    occasion: Occasion,
) -> Result<Option<Origin>, DeskError> {
    let (workspace_id, now) = (desk.workspace_id(), desk.ctx.now());
    if answered.is_none()
        && let Some(target) = code.filter(|code| code.position == POSTER)
        && let Some(campaign_id) = tx.coded_campaign(workspace_id, target.campaign_number)?
    {
        on_poster(tx, workspace_id, session, campaign_id, now);
        return Ok(None);
    }
    let is_named = code.is_some() || answered.is_some();
    if !is_named && session.campaign.is_some() {
        if session.attribution == Attribution::Claimed
            && customer.phone_learned
            && let Some(campaign) = session.campaign
            && let Some(recipient) = tx.origin(workspace_id, campaign)?
        {
            if is_same_line(customer.phone.as_ref(), recipient.phone.as_ref()) {
                session.attribution = Attribution::Certain;
            }
            return Ok(Some(recipient));
        }
        return Ok(None);
    }
    if !is_named && occasion == Occasion::LaterMessage {
        return Ok(None);
    }
    let addresses = if is_named { Vec::new() } else { addresses(tx, desk, customer)? };
    let pointers = Pointers {
        code,
        answered: answered.as_ref(),
        phone: customer.phone.as_ref(),
        sent_to: Some((desk.channel.id, &addresses)),
    };
    let attributed = tx.attribution_of(workspace_id, pointers, now)?;
    let Some(recipient) = attributed.recipient else { return Ok(None) };
    if let Some((left, POSTER)) = session.campaign {
        tx.count_poster_chat(workspace_id, left, -1, now);
    }
    session.attribution = attributed.attribution;
    session.campaign = Some((recipient.campaign_id, recipient.position));
    let stamp = Stamp::Chat { session_id: session.id, tier: attributed.attribution };
    tx.stamp_recipient(workspace_id, recipient.campaign_id, recipient.position, stamp, now)?;
    Ok(Some(Origin { contact_id: recipient.contact_id, phone: recipient.phone }))
}

/// The campaign's QR code was scanned: the chat is the campaign's, and nobody's among its recipients. Who is known to be
/// one stays that.
fn on_poster(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &mut Session,
    campaign_id: CampaignId,
    now: Timestamp,
) {
    match session.campaign {
        Some((known, _)) if known == campaign_id => return,
        Some((left, POSTER)) => tx.count_poster_chat(workspace_id, left, -1, now),
        _ => {}
    }
    session.attribution = Attribution::Qr;
    session.campaign = Some((campaign_id, POSTER));
    tx.count_poster_chat(workspace_id, campaign_id, 1, now);
}

/// Where a template to the customer may have gone: the numbers in their writings, and the ids.
fn addresses(tx: &mut Tx<'_>, desk: &Desk<'_>, customer: &Customer) -> Result<Vec<String>, StoreError> {
    let mut all: Vec<String> =
        customer.phone.iter().flat_map(PhoneNumber::writings).map(|phone| phone.to_string()).collect();
    for identifier in tx.identifiers_of(desk.workspace_id(), customer.user.id)? {
        let address = match identifier.kind {
            IdentifierKind::WaId => format!("+{}", identifier.value),
            _ => identifier.value,
        };
        if !all.contains(&address) {
            all.push(address);
        }
    }
    Ok(all)
}

fn link(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    customer: &mut Customer,
    session: &Session,
    recipient: Option<&Origin>,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let user = &customer.user;
    // What the customer asked for here is theirs, whoever they turn out to be, and does not tell who that is.
    let own_lead = own_lead(tx, desk.workspace_id(), user)?;
    let has_only_own = own_lead.is_some() && user.contact_id.is_none() && user.linked_by.is_none();
    let is_linked = (user.contact_id.is_some() || user.lead_id.is_some()) && !has_only_own;
    // The number of a customer who was linked by a code may show that the link was forwarded.
    let is_doubtful = customer.phone_learned && user.linked_by == Some(LinkedBy::Code);
    if user.linked_by == Some(LinkedBy::Agent) || (is_linked && !is_doubtful) {
        return Ok(());
    }
    let by_code = recipient
        .filter(|_| matches!(session.attribution, Attribution::Certain | Attribution::Claimed))
        .filter(|recipient| customer.phone.is_none() || is_same_line(customer.phone.as_ref(), recipient.phone.as_ref()))
        .map(|recipient| recipient.contact_id);
    let known = Known { user: &customer.user, reference: by_code, phone: customer.phone.as_ref(), email: None };
    let workspace_id = desk.workspace_id();
    let rules = desk.workspace.settings.linking.of(desk.channel.id);
    let before = LinkState::of(user);
    let decision = rules.decide(|rule| matching::find(tx, workspace_id, &known, rule))?;
    let candidates = match decision {
        Decision::Ask => matching::candidates(tx, workspace_id, &known, rules)?,
        _ => Vec::new(),
    };
    let user = &mut customer.user;
    (user.contact_id, user.lead_id, user.linked_by) = (None, own_lead, None);
    let (action, reason) = match decision {
        Decision::Link { target, rule } => {
            let (contact_id, lead_id) = target.ids(tx, workspace_id)?;
            (user.contact_id, user.lead_id) = (contact_id, lead_id.or(own_lead));
            user.linked_by = Some(linked_by(rule.by));
            (LinkAction::Linked, rule.by.as_str())
        }
        // Nobody else, and the lead is there.
        Decision::Create(LinkObject::Lead) if own_lead.is_some() && before == LinkState::of(user) => return Ok(()),
        Decision::Create(LinkObject::Lead) if own_lead.is_some() => (LinkAction::Unlinked, "rules"),
        Decision::Create(object) => {
            let Some(phone) = &customer.phone else {
                return if before == LinkState::of(user) { Ok(()) } else { unlink_doubtful(tx, desk, user, before) };
            };
            match object {
                LinkObject::Contact => {
                    user.contact_id = Some(create_contact(tx, desk, phone, user.profile_name.as_deref())?);
                }
                LinkObject::Lead => user.lead_id = Some(create_lead(tx, desk, phone, user, session, notices)?),
            }
            user.linked_by = Some(LinkedBy::Created);
            (LinkAction::Created, "none")
        }
        Decision::Ask => {
            let prompt =
                LinkPrompt { session_id: session.id, candidates, asked_at: desk.ctx.now(), postponed_at: None };
            tx.save_prompt(workspace_id, user.id, &prompt)?;
            (LinkAction::Asked, "rules")
        }
        Decision::Nothing if before == LinkState::of(user) => return Ok(()),
        Decision::Nothing => (LinkAction::Unlinked, "rules"),
    };
    let change = Change { session_id: Some(session.id), action, reason, before };
    history(tx, desk, user, change)
}

/// The customer's lead when it was made in one of their own conversations.
pub(crate) fn own_lead(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    user: &MessagingUser,
) -> Result<Option<LeadId>, StoreError> {
    let Some(lead_id) = user.lead_id else { return Ok(None) };
    let session_id = tx.lead(workspace_id, lead_id)?.and_then(|lead| lead.session_id);
    let Some(session_id) = session_id else { return Ok(None) };
    let session = tx.session(workspace_id, session_id)?;
    Ok(session.filter(|session| session.messaging_user_id == user.id).map(|_| lead_id))
}

/// The number shows that the link was forwarded, and nothing else says who this is.
fn unlink_doubtful(tx: &mut Tx<'_>, desk: &Desk<'_>, user: &MessagingUser, before: LinkState) -> Result<(), DeskError> {
    history(tx, desk, user, Change { session_id: None, action: LinkAction::Unlinked, reason: "rules", before })
}

/// What an address tells that the bot asked for: the rules by e-mail are tried for a customer who is not linked, or only
/// to a contact that was made when they wrote.
///
/// # Errors
/// When the store fails.
pub(super) fn by_email(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    email: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    let rules = desk.workspace.settings.linking.of(desk.channel.id);
    if rules.rules.iter().all(|rule| rule.by != MatchBy::Email) {
        return Ok(());
    }
    let Some(mut user) = tx.messaging_user(workspace_id, session.messaging_user_id)? else { return Ok(()) };
    if !matches!(user.linked_by, None | Some(LinkedBy::Created)) {
        return Ok(());
    }
    let before = LinkState::of(&user);
    let known = Known { user: &user, reference: None, phone: None, email: Some(email) };
    let only = LinkRules {
        rules: rules.rules.iter().copied().filter(|rule| rule.by == MatchBy::Email).collect(),
        none: NoMatch::Nothing,
    };
    let (action, reason) = match only.decide(|rule| matching::find(tx, workspace_id, &known, rule))? {
        Decision::Link { target, rule } => {
            let own_lead = own_lead(tx, workspace_id, &user)?;
            let (contact_id, lead_id) = target.ids(tx, workspace_id)?;
            (user.contact_id, user.lead_id) = (contact_id, lead_id.or(own_lead));
            user.linked_by = Some(LinkedBy::Email);
            (LinkAction::Linked, rule.by.as_str())
        }
        Decision::Ask => {
            let candidates = matching::candidates(tx, workspace_id, &known, &only)?;
            let prompt =
                LinkPrompt { session_id: session.id, candidates, asked_at: desk.ctx.now(), postponed_at: None };
            tx.save_prompt(workspace_id, user.id, &prompt)?;
            (LinkAction::Asked, MatchBy::Email.as_str())
        }
        Decision::Create(_) | Decision::Nothing => return Ok(()),
    };
    tx.link_messaging_user(workspace_id, &user, before)?;
    notices.session_updated(session.id);
    history(tx, desk, &user, Change { session_id: Some(session.id), action, reason, before })
}

/// The e-mail address among what the bot gathered that was not there `before`.
pub(super) fn new_email(before: &[Gathered], now: &[Gathered]) -> Option<String> {
    emails(now).find(|email| emails(before).all(|known| known != *email))
}

/// The first e-mail address among what the bot gathered.
pub(crate) fn email_in(gathered: &[Gathered]) -> Option<String> {
    emails(gathered).next()
}

/// What the bot itself takes for e-mail addresses.
fn emails(gathered: &[Gathered]) -> impl Iterator<Item = String> {
    gathered.iter().filter_map(|each| answer::email(each.value.trim()))
}

struct Change<'a> {
    session_id: Option<SessionId>,
    action: LinkAction,
    reason: &'a str,
    before: LinkState,
}

fn history(tx: &mut Tx<'_>, desk: &Desk<'_>, user: &MessagingUser, change: Change<'_>) -> Result<(), DeskError> {
    let entry = LinkEntry {
        id: desk.ctx.id(),
        messaging_user_id: user.id,
        session_id: change.session_id,
        action: change.action,
        reason: change.reason.to_owned(),
        note: None,
        before: change.before,
        after: LinkState::of(user),
        undoes_id: None,
        actor: Actor::System.reference(),
        actor_name: None,
        at: desk.ctx.now(),
    };
    tx.insert_link(desk.workspace_id(), &entry)?;
    Ok(())
}

const fn linked_by(by: MatchBy) -> LinkedBy {
    match by {
        MatchBy::Reference => LinkedBy::Code,
        MatchBy::Identifier => LinkedBy::Identifier,
        MatchBy::Phone | MatchBy::PhoneVariant => LinkedBy::Phone,
        MatchBy::Email => LinkedBy::Email,
    }
}

/// A new lead with the number and the name of the WhatsApp profile.
fn create_lead(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    phone: &PhoneNumber,
    user: &MessagingUser,
    session: &Session,
    notices: &mut Notices,
) -> Result<LeadId, StoreError> {
    let name = user.profile_name.clone().filter(|name| !name.trim().is_empty());
    let lead = LeadView {
        id: desk.ctx.id(),
        name: name.unwrap_or_else(|| phone.to_string()),
        phone: Some(phone.clone()),
        email: None,
        note: None,
        status: LeadStatus::New,
        campaign_id: session.campaign.map(|(campaign_id, _)| campaign_id),
        session_id: Some(session.id),
        contact_id: None,
        created_at: desk.ctx.now(),
    };
    tx.insert_lead(desk.workspace_id(), &lead, None)?;
    let id = lead.id;
    notices.lead_created(lead);
    Ok(id)
}

/// A new contact with the number and the name of the WhatsApp profile.
fn create_contact(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    phone: &PhoneNumber,
    profile_name: Option<&str>,
) -> Result<ContactId, StoreError> {
    let mut fields = ContactFields { phone: Some(phone.clone()), ..ContactFields::default() };
    name_contact(&mut fields, profile_name);
    let id: ContactId = desk.ctx.id();
    if tx.insert_contact(desk.workspace_id(), id, &fields, desk.ctx.now())? {
        return Ok(id);
    }
    // Somebody else stored it in this moment.
    tx.contact_by_phone(desk.workspace_id(), phone)?
        .map(|contact: ContactView| contact.id)
        .ok_or_else(|| StoreError::Unavailable("the contact was deleted meanwhile".to_owned()))
}

/// The first word as first name, the rest as last name.
pub(crate) fn name_contact(fields: &mut ContactFields, profile_name: Option<&str>) {
    let mut words = profile_name.unwrap_or_default().trim().splitn(2, char::is_whitespace);
    let mut next = || words.next().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned);
    (fields.first_name, fields.last_name) = (next(), next());
}

fn is_same_line(a: Option<&PhoneNumber>, b: Option<&PhoneNumber>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.is_same_line(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_name_becomes_first_and_last_name() {
        let named = |name| {
            let mut fields = ContactFields::default();
            name_contact(&mut fields, name);
            (fields.first_name, fields.last_name)
        };
        assert_eq!(
            named(Some(" Ana María  de la Cruz ")),
            (Some("Ana".to_owned()), Some("María  de la Cruz".to_owned()))
        );
        assert_eq!(named(Some("Ana")), (Some("Ana".to_owned()), None));
        assert_eq!(named(Some("  ")), (None, None));
        assert_eq!(named(None), (None, None));
    }
}

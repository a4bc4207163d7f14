//! Where a conversation came from, and who in the CRM the customer is.
//!
//! Order of what links: the code in the message (the contact the text went to, unless the number says that it is
//! somebody else), the phone number (contact, then lead), a new contact when the number is known, and else nobody: the
//! agent is then offered candidates. A link an agent made or took away is left alone.

use segue_model::{ContactId, PhoneNumber, attribution::Attribution, code::CodeTarget, contact::ContactFields};
use segue_store::{
    StoreError, Tx,
    contact::ContactView,
    messaging_user::LinkedBy,
    recipient::Stamp,
    session::{Origin, Session},
};

use super::{Desk, identify::Customer};
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
    code: Option<CodeTarget>,
    occasion: Occasion,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let is_first = occasion == Occasion::FirstMessage;
    if !is_first && code.is_none() && !customer.phone_learned {
        return Ok(());
    }
    let recipient = attribute(tx, desk, customer, session, code, occasion)?;
    link(tx, desk, customer, session, recipient.as_ref())?;
    notices.session_updated(session.id);
    Ok(())
}

/// A code always decides, since it is what the customer did last; without one, only the first message can point to a
/// recent tap, and a number that became known can make a claim certain.
fn attribute(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    customer: &Customer,
    session: &mut Session,
    code: Option<CodeTarget>,
    occasion: Occasion,
) -> Result<Option<Origin>, DeskError> {
    let (workspace_id, now) = (desk.workspace_id(), desk.ctx.now());
    if code.is_none() && session.campaign.is_some() {
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
    if code.is_none() && occasion == Occasion::LaterMessage {
        return Ok(None);
    }
    let attributed = tx.attribution_of(workspace_id, code, customer.phone.as_ref(), now)?;
    let Some(recipient) = attributed.recipient else { return Ok(None) };
    session.attribution = attributed.attribution;
    session.campaign = Some((recipient.campaign_id, recipient.position));
    let stamp = Stamp::Chat { session_id: session.id };
    tx.stamp_recipient(workspace_id, recipient.campaign_id, recipient.position, stamp, now)?;
    Ok(Some(Origin { contact_id: recipient.contact_id, phone: recipient.phone }))
}

fn link(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    customer: &mut Customer,
    session: &Session,
    recipient: Option<&Origin>,
) -> Result<(), DeskError> {
    let user = &mut customer.user;
    let is_linked = user.contact_id.is_some() || user.lead_id.is_some();
    // The number of a customer who was linked by a code may show that the link was forwarded.
    let is_doubtful = customer.phone_learned && user.linked_by == Some(LinkedBy::Code);
    if user.linked_by == Some(LinkedBy::Agent) || (is_linked && !is_doubtful) {
        return Ok(());
    }
    let by_code =
        recipient.filter(|_| matches!(session.attribution, Attribution::Certain | Attribution::Claimed)).filter(
            |recipient| customer.phone.is_none() || is_same_line(customer.phone.as_ref(), recipient.phone.as_ref()),
        );
    let workspace_id = desk.workspace_id();
    if let Some(recipient) = by_code
        && tx.contact(workspace_id, recipient.contact_id)?.is_some()
    {
        (user.contact_id, user.linked_by) = (Some(recipient.contact_id), Some(LinkedBy::Code));
        return Ok(());
    }
    (user.contact_id, user.lead_id, user.linked_by) = (None, None, None);
    let Some(phone) = &customer.phone else { return Ok(()) };
    for writing in phone.writings() {
        if let Some(contact) = tx.contact_by_phone(workspace_id, &writing)? {
            (user.contact_id, user.linked_by) = (Some(contact.id), Some(LinkedBy::Phone));
            return Ok(());
        }
    }
    for writing in phone.writings() {
        if let Some(lead) = tx.lead_of_phone(workspace_id, &writing)? {
            (user.lead_id, user.contact_id) = (Some(lead.id), lead.contact_id);
            user.linked_by = Some(LinkedBy::Phone);
            return Ok(());
        }
    }
    user.contact_id = Some(create_contact(tx, desk, phone, user.profile_name.as_deref())?);
    user.linked_by = Some(LinkedBy::Created);
    Ok(())
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

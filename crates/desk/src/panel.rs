//! Everything about a session's customer on one screen.

use segue_model::Timestamp;
use segue_model::{
    SessionId, WorkspaceId,
    consent::{ConsentState, Medium, Purpose},
    session::OptIn,
};
use segue_store::{
    Store, Tx,
    contact::ContactView,
    contact_page::ContactQuery,
    crm::{CaseView, LeadView},
    recipient::{RecipientQuery, RecipientView},
    session::{Session, SessionCampaign, SessionView},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{DeskError, leads::phone_of, sessions};

/// Most earlier sessions and candidates shown.
const SHOWN: u32 = 10;

/// The customer's consents, and that of this conversation apart from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PanelConsent {
    pub sms: ConsentState,
    pub whatsapp: ConsentState,
    pub session_opt_in: OptIn,
}

/// A session's customer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Panel {
    pub contact: Option<ContactView>,
    pub lead: Option<LeadView>,
    pub campaign: Option<SessionCampaign>,
    /// The text this session came from.
    pub recipient: Option<RecipientView>,
    pub consent: PanelConsent,
    pub previous_sessions: Vec<SessionView>,
    pub case: Option<CaseView>,
    /// Contacts the customer may be, when nobody is linked.
    pub candidates: Vec<ContactView>,
}

/// What is known of a session's customer.
///
/// # Errors
/// When there is no such session.
pub async fn get(
    store: &Store,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    now: Timestamp,
) -> Result<Panel, DeskError> {
    store
        .read(move |tx| {
            let view = sessions::view(tx, workspace_id, session_id)?;
            let session = tx.session(workspace_id, session_id)?.ok_or(DeskError::NotFound("session"))?;
            let contact = match view.customer.contact_id {
                Some(id) => tx.contact(workspace_id, id)?,
                None => None,
            };
            let lead = match view.customer.lead_id {
                Some(id) => tx.lead(workspace_id, id)?,
                None => None,
            };
            let case = match session.case_id {
                Some(id) => tx.case(workspace_id, id)?,
                None => None,
            };
            let candidates =
                if contact.is_none() { candidates(tx, workspace_id, &session, &view)? } else { Vec::new() };
            Ok(Panel {
                consent: consent(tx, workspace_id, &session)?,
                recipient: recipient(tx, workspace_id, &session, now)?,
                previous_sessions: tx.other_sessions_of(workspace_id, session.messaging_user_id, session_id, SHOWN)?,
                contact,
                lead,
                campaign: view.campaign,
                case,
                candidates,
            })
        })
        .await
}

fn consent(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &Session) -> Result<PanelConsent, DeskError> {
    let address = tx.address_of(workspace_id, session.messaging_user_id)?.map(|(_, address)| address);
    let mut of = |medium| match &address {
        Some(address) => {
            tx.consent_state(workspace_id, medium, address, Purpose::Marketing).map(|consent| consent.state)
        }
        None => Ok(ConsentState::None),
    };
    Ok(PanelConsent { sms: of(Medium::Sms)?, whatsapp: of(Medium::WhatsApp)?, session_opt_in: session.opt_in })
}

fn recipient(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    now: Timestamp,
) -> Result<Option<RecipientView>, DeskError> {
    let Some((campaign_id, position)) = session.campaign else { return Ok(None) };
    let Some(before) = position.checked_sub(1) else { return Ok(None) };
    let query = RecipientQuery { after: before, limit: 1, ..RecipientQuery::default() };
    let found = tx.recipients(workspace_id, campaign_id, &query, now)?;
    Ok(found.into_iter().find(|recipient| recipient.position == position))
}

/// Whom the text went to, who has the number, and who has a similar name.
fn candidates(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    view: &SessionView,
) -> Result<Vec<ContactView>, DeskError> {
    let mut found = Vec::new();
    if let Some(campaign) = session.campaign
        && let Some(origin) = tx.origin(workspace_id, campaign)?
    {
        found.extend(tx.contact(workspace_id, origin.contact_id)?);
    }
    if let Some(phone) = phone_of(tx, workspace_id, session)? {
        found.extend(tx.contact_by_phone(workspace_id, &phone)?);
    }
    if let Some(user) = tx.messaging_user(workspace_id, session.messaging_user_id)?
        && let Some(name) = user.profile_name.filter(|name| name.trim().chars().count() > 1)
    {
        let query = ContactQuery { search: name, limit: i64::from(SHOWN), ..ContactQuery::default() };
        found.extend(tx.contacts(workspace_id, &query)?);
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|contact| Some(contact.id) != view.customer.contact_id && seen.insert(contact.id));
    found.truncate(SHOWN as usize);
    Ok(found)
}

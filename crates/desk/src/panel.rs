//! Everything about a session's customer on one screen.

use segue_model::Timestamp;
use segue_model::{
    CustomerLinkId, SessionId, WorkspaceId,
    consent::{ConsentState, Medium, Purpose},
    linking::MatchBy,
    session::OptIn,
};
use segue_store::{
    Store, Tx,
    contact::ContactView,
    contact_page::ContactQuery,
    crm::{CaseView, LeadView},
    customer_block::BlockView,
    customer_language::CustomerLanguage,
    customer_link::{Candidate, LinkEntry, LinkState},
    customer_merge::CustomerMergeView,
    message_details::CameFrom,
    messaging_user::MessagingUser,
    recipient::{RecipientQuery, RecipientView},
    session::{Session, SessionCampaign, SessionView},
    thread::OtherAddress,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{DeskError, inbound, leads::phone_of, linking, sessions};

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
    /// The advertisement that the customer came by.
    pub advertisement: Option<CameFrom>,
    /// The customer's language, as a person said or as it was detected. The contact's own counts before a detected one.
    pub language: Option<CustomerLanguage>,
    pub consent: PanelConsent,
    pub previous_sessions: Vec<SessionView>,
    pub case: Option<CaseView>,
    /// Whom the customer may be, when nobody is linked or the rules ask.
    pub candidates: Vec<PanelCandidate>,
    /// The question of the rules to the agent.
    pub link_prompt: Option<PanelPrompt>,
    /// How the customer came to what it is linked to, the latest first.
    pub link_history: Vec<LinkEntry>,
    /// The same person under other addresses: what else is linked to the contact.
    pub other_addresses: Vec<OtherAddress>,
    /// Customers that were merged into this one, the latest first.
    pub customer_merges: Vec<CustomerMergeView>,
    /// The block of the customer, when there is one.
    pub block: Option<BlockView>,
    /// The entry of the history that can be taken back.
    pub undoable_link: Option<CustomerLinkId>,
}

segue_model::text_enum! {
    /// Why somebody may be the customer.
    pub enum CandidateReason {
        Reference = "reference",
        Identifier = "identifier",
        Phone = "phone",
        PhoneVariant = "phone_variant",
        Email = "email",
        /// The name of the WhatsApp profile is similar.
        Name = "name",
    }
}

impl From<MatchBy> for CandidateReason {
    fn from(by: MatchBy) -> Self {
        match by {
            MatchBy::Reference => Self::Reference,
            MatchBy::Identifier => Self::Identifier,
            MatchBy::Phone => Self::Phone,
            MatchBy::PhoneVariant => Self::PhoneVariant,
            MatchBy::Email => Self::Email,
        }
    }
}

/// Somebody the customer may be: a contact or a lead.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PanelCandidate {
    pub contact: Option<ContactView>,
    pub lead: Option<LeadView>,
    pub reasons: Vec<CandidateReason>,
}

/// The rules ask who the customer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PanelPrompt {
    pub asked_at: Timestamp,
    /// When an agent said: not now.
    pub postponed_at: Option<Timestamp>,
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
            let user_id = session.messaging_user_id;
            let user = tx.messaging_user(workspace_id, user_id)?.ok_or(DeskError::NotFound("customer"))?;
            let prompt = tx.prompt(workspace_id, user_id)?;
            let candidates = match &prompt {
                Some(prompt) => shown(tx, workspace_id, &prompt.candidates)?,
                None if contact.is_none() => candidates(tx, workspace_id, &session, &user)?,
                None => Vec::new(),
            };
            let other_addresses = match &contact {
                Some(contact) => tx.other_addresses(workspace_id, contact.id, user_id, SHOWN)?,
                None => Vec::new(),
            };
            let link_history = tx.links_of(workspace_id, user_id, SHOWN)?;
            Ok(Panel {
                consent: consent(tx, workspace_id, &session)?,
                recipient: recipient(tx, workspace_id, &session, now)?,
                advertisement: tx.ad_of_session(workspace_id, session_id)?,
                language: tx.customer_language(workspace_id, user_id)?,
                previous_sessions: tx.other_sessions_of(workspace_id, session.messaging_user_id, session_id, SHOWN)?,
                contact,
                lead,
                campaign: view.campaign,
                case,
                candidates,
                other_addresses,
                customer_merges: tx.customer_merges(workspace_id, user_id, SHOWN)?,
                block: tx.block_of(workspace_id, user_id)?,
                link_prompt: prompt
                    .map(|prompt| PanelPrompt { asked_at: prompt.asked_at, postponed_at: prompt.postponed_at }),
                undoable_link: linking::undoable(&link_history, LinkState::of(&user)),
                link_history,
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

/// Whom the rules find, whom the text went to, and who has a similar name.
fn candidates(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    user: &MessagingUser,
) -> Result<Vec<PanelCandidate>, DeskError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(DeskError::NotFound("workspace"))?;
    let origin = match session.campaign {
        Some(campaign) => tx.origin(workspace_id, campaign)?,
        None => None,
    };
    let phone = phone_of(tx, workspace_id, session)?;
    let email = inbound::email_in(&session.gathered);
    let known = inbound::Known {
        user,
        reference: origin.map(|origin| origin.contact_id),
        phone: phone.as_ref(),
        email: email.as_deref(),
    };
    let matched = inbound::candidates(tx, workspace_id, &known, workspace.settings.linking.of(session.channel_id))?;
    let mut found = shown(tx, workspace_id, &matched)?;
    if let Some(name) = user.profile_name.clone().filter(|name| name.trim().chars().count() > 1) {
        let query = ContactQuery { search: name, limit: i64::from(SHOWN), ..ContactQuery::default() };
        for contact in tx.contacts(workspace_id, &query)? {
            let same = found.iter_mut().find(|each| each.contact.as_ref().is_some_and(|other| other.id == contact.id));
            match same {
                Some(candidate) => candidate.reasons.push(CandidateReason::Name),
                None => found.push(PanelCandidate {
                    contact: Some(contact),
                    lead: None,
                    reasons: vec![CandidateReason::Name],
                }),
            }
        }
    }
    found.truncate(SHOWN as usize);
    Ok(found)
}

/// Candidates with what is known of them now; those that are gone are left out.
fn shown(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    candidates: &[Candidate],
) -> Result<Vec<PanelCandidate>, DeskError> {
    let mut shown = Vec::new();
    for candidate in candidates {
        let contact = match candidate.contact_id {
            Some(id) => tx.contact(workspace_id, id)?,
            None => None,
        };
        let lead = match candidate.lead_id {
            Some(id) => tx.lead(workspace_id, id)?,
            None => None,
        };
        if contact.is_some() || lead.is_some() {
            let reasons = candidate.by.iter().copied().map(CandidateReason::from).collect();
            shown.push(PanelCandidate { contact, lead, reasons });
        }
    }
    Ok(shown)
}

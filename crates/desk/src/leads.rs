//! Sales inquiries.

use segue_model::{ContactId, Ctx, LeadId, PhoneNumber, SessionId, WorkspaceId, actor::Actor};
use segue_store::{
    Store, StoreError, Tx,
    crm::{LeadStatus, LeadView},
    customer_link::{LinkAction, LinkEntry, LinkState},
    messaging_user::{IdentifierKind, LinkedBy},
    recipient::Stamp,
    session::Session,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    DeskError, inbound, linking,
    notice::Notices,
    say::system_line,
    sessions::{self, Page},
};

/// A lead to create from a session.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewLead {
    pub name: String,
    /// The customer's own number when not given.
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
}

/// Makes the session's customer a lead: with the phone number they write from, and the campaign they came from.
///
/// # Errors
/// [`DeskError::InvalidField`], or when there is no such session.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    request: NewLead,
) -> Result<LeadView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store.write(move |tx| create_in(tx, &ctx, workspace_id, &actor, session_id, &request)).await
}

fn create_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    request: &NewLead,
) -> Result<LeadView, DeskError> {
    let name = request.name.trim();
    if name.is_empty() {
        let message = "A lead needs a name.".to_owned();
        return Err(DeskError::InvalidField { field: "name", message });
    }
    let mut session = sessions::to_change(tx, workspace_id, session_id)?;
    let mut user =
        tx.messaging_user(workspace_id, session.messaging_user_id)?.ok_or(DeskError::NotFound("customer"))?;
    let given = request.phone.as_deref().map(str::trim).filter(|phone| !phone.is_empty());
    let phone = match given {
        Some(given) => {
            let country = tx.workspace(workspace_id)?.map(|workspace| workspace.country);
            let parsed = PhoneNumber::parse(given, country.as_deref());
            Some(parsed.map_err(|error| DeskError::InvalidField { field: "phone", message: error.to_string() })?)
        }
        None => phone_of(tx, workspace_id, &session)?,
    };
    let lead = LeadView {
        id: ctx.id(),
        name: name.to_owned(),
        phone,
        email: request.email.clone().filter(|email| !email.trim().is_empty()),
        note: request.note.clone().filter(|note| !note.trim().is_empty()),
        status: LeadStatus::New,
        campaign_id: session.campaign.map(|(campaign_id, _)| campaign_id),
        session_id: Some(session_id),
        contact_id: user.contact_id,
        created_at: ctx.now(),
    };
    tx.insert_lead(workspace_id, &lead, actor.user_id())?;
    let before = LinkState::of(&user);
    user.lead_id = Some(lead.id);
    tx.link_messaging_user(workspace_id, &user, before)?;
    let entry = linking::entry(ctx, actor, &session, &user, LinkAction::Created, before);
    tx.insert_link(workspace_id, &entry)?;
    sessions::stamp(tx, workspace_id, &session, Stamp::Lead, ctx.now())?;
    let mut notices = Notices::new(workspace_id);
    let line = format!("{} created a lead.", sessions::name(actor));
    system_line(tx, ctx, workspace_id, &mut session, line, &mut notices)?;
    tx.save_session(workspace_id, &mut session)?;
    notices.lead_created(lead.clone());
    notices.session_updated(session_id);
    notices.tell(tx, ctx.now())?;
    Ok(lead)
}

/// The customer's lead, made on the bot's first answer that belongs to one. Into a lead that was found by an e-mail address
/// nothing is written: anybody can type one.
pub(crate) fn lead_of_bot(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &Session,
    notices: &mut Notices,
) -> Result<LeadId, DeskError> {
    let mut user =
        tx.messaging_user(workspace_id, session.messaging_user_id)?.ok_or(DeskError::NotFound("customer"))?;
    let sure_lead = match user.linked_by {
        Some(LinkedBy::Email) => inbound::own_lead(tx, workspace_id, &user)?,
        _ => user.lead_id,
    };
    if let Some(lead_id) = sure_lead {
        return Ok(lead_id);
    }
    let mut lead = of_session(tx, ctx, workspace_id, session, user.sure_contact())?;
    if user.linked_by == Some(LinkedBy::Email)
        && let Some(name) = user.profile_name.clone().or_else(|| user.username.clone())
    {
        // What the customer is called here is the name of whoever has the address.
        lead.name = name;
    }
    tx.insert_lead(workspace_id, &lead, None)?;
    let before = LinkState::of(&user);
    user.lead_id = Some(lead.id);
    tx.link_messaging_user(workspace_id, &user, before)?;
    let entry = LinkEntry {
        reason: "bot".to_owned(),
        ..linking::entry(ctx, &Actor::System, session, &user, LinkAction::Created, before)
    };
    tx.insert_link(workspace_id, &entry)?;
    sessions::stamp(tx, workspace_id, session, Stamp::Lead, ctx.now())?;
    let id = lead.id;
    notices.lead_created(lead);
    Ok(id)
}

/// A new lead of the session's customer, not stored yet.
pub(crate) fn of_session(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &Session,
    contact_id: Option<ContactId>,
) -> Result<LeadView, DeskError> {
    Ok(LeadView {
        id: ctx.id(),
        name: sessions::view(tx, workspace_id, session.id)?.customer.name,
        phone: phone_of(tx, workspace_id, session)?,
        email: None,
        note: None,
        status: LeadStatus::New,
        campaign_id: session.campaign.map(|(campaign_id, _)| campaign_id),
        session_id: Some(session.id),
        contact_id,
        created_at: ctx.now(),
    })
}

/// The number the customer writes from, when WhatsApp tells it.
pub(crate) fn phone_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
) -> Result<Option<PhoneNumber>, StoreError> {
    let identifiers = tx.identifiers_of(workspace_id, session.messaging_user_id)?;
    Ok(identifiers
        .iter()
        .find(|identifier| identifier.kind == IdentifierKind::Phone)
        .and_then(|identifier| PhoneNumber::parse(&identifier.value, None).ok()))
}

/// Changes where a lead stands; a won one counts in the funnel of the campaign it came from.
///
/// # Errors
/// When there is no such lead.
pub async fn set_status(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: LeadId,
    status: LeadStatus,
) -> Result<LeadView, DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let changed = tx.set_lead_status(workspace_id, id, status)?;
            let lead = tx.lead(workspace_id, id)?.ok_or(DeskError::NotFound("lead"))?;
            if changed
                && status == LeadStatus::Won
                && let Some(session_id) = lead.session_id
                && let Some(session) = tx.session(workspace_id, session_id)?
            {
                sessions::stamp(tx, workspace_id, &session, Stamp::Won, ctx.now())?;
            }
            Ok(lead)
        })
        .await
}

/// The lead created in a session ends the way the session does.
pub(crate) fn settle_lead_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    status: LeadStatus,
) -> Result<(), StoreError> {
    let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
    if let Some(lead_id) = user.and_then(|user| user.lead_id)
        && let Some(lead) = tx.lead(workspace_id, lead_id)?
        && lead.session_id == Some(session.id)
    {
        tx.set_lead_status(workspace_id, lead_id, status)?;
    }
    Ok(())
}

/// One page of leads, newest first; the cursor is the id of the last one.
///
/// # Errors
/// When the cursor is not a lead's id.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<LeadView>, DeskError> {
    let before = match cursor {
        None => LeadId(Uuid::max()),
        Some(text) => text.parse().map_err(|_| DeskError::InvalidField {
            field: "cursor",
            message: "This is not a cursor of a previous page.".to_owned(),
        })?,
    };
    let limit = limit.clamp(1, sessions::PAGE_LIMIT);
    let mut data =
        store.read(move |tx| tx.leads_before(workspace_id, before, limit + 1).map_err(DeskError::from)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let next_cursor = data.last().filter(|_| has_more).map(|last| last.id.to_string());
    Ok(Page { data, next_cursor })
}

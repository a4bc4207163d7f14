//! The table of contacts: pages with filters, saved views, and what is done to several contacts at once.
//!
//! A page with filters looks at contacts in the order of the list until it is full, and at [`SCANNED`] at most: a filter
//! that nearly nobody meets gives short pages quickly, each with where to go on, instead of one that takes long.

use segue_model::{ContactId, ContactViewId, Ctx, DeletionId, ListId, WorkspaceId, actor::Actor};
use segue_store::{
    Store,
    contact::ContactView,
    contact_deletion::DeletionView,
    contact_page::ContactQuery,
    contact_view::{ContactSort, ContactViewRecord, FieldFilter, ViewQuery},
};
use serde::Deserialize;

use crate::{OutreachError, contacts::clean};

/// Contacts that a page looks at, at most.
pub const SCANNED: i64 = 10_000;
/// Contacts per read while filtering.
const READ: i64 = 500;
/// Contacts that are changed at once, at most.
pub const MOST_AT_ONCE: usize = 1_000;

/// Which contacts to list.
#[derive(Debug, Clone)]
pub struct GridQuery {
    /// Part of a name, phone number or e-mail address.
    pub search: String,
    pub list_id: Option<ListId>,
    pub filters: Vec<FieldFilter>,
    pub sort: ContactSort,
    /// The contact after which to go on.
    pub after: Option<ContactId>,
    pub limit: usize,
}

/// A page of contacts.
#[derive(Debug, Clone)]
pub struct GridPage {
    pub contacts: Vec<ContactView>,
    /// Where to go on; `None` at the end.
    pub next: Option<ContactId>,
}

/// A page of contacts.
///
/// # Errors
/// When the store fails.
pub async fn page(store: &Store, workspace_id: WorkspaceId, query: GridQuery) -> Result<GridPage, OutreachError> {
    let mut contacts = Vec::new();
    let (mut after, mut scanned) = (query.after, 0);
    loop {
        let limit = if query.filters.is_empty() { query.limit as i64 + 1 } else { READ };
        let read =
            ContactQuery { search: query.search.clone(), list_id: query.list_id, sort: query.sort, after, limit };
        let found = store.read(move |tx| Ok::<_, OutreachError>(tx.contacts(workspace_id, &read)?)).await?;
        let count = found.len() as i64;
        for contact in found {
            let id = contact.id;
            if query.filters.iter().all(|filter| filter.matches(&contact)) {
                if contacts.len() == query.limit {
                    return Ok(GridPage { contacts, next: after });
                }
                contacts.push(contact);
            }
            after = Some(id);
        }
        scanned += count;
        if count < limit {
            return Ok(GridPage { contacts, next: None });
        }
        if scanned >= SCANNED {
            return Ok(GridPage { contacts, next: after });
        }
    }
}

/// A view as it is saved.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewInput {
    pub name: String,
    /// Whether everybody sees it.
    #[serde(default)]
    pub shared: bool,
    pub query: ViewQuery,
}

/// Own and shared views, by name.
///
/// # Errors
/// When the store fails.
pub async fn views(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
) -> Result<Vec<ContactViewRecord>, OutreachError> {
    let owner = actor.reference();
    store.read(move |tx| Ok(tx.contact_views(workspace_id, &owner)?)).await
}

/// Saves a view: a new one, or an own one anew.
///
/// # Errors
/// When it has no name or belongs to somebody else.
pub async fn save_view(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: Option<ContactViewId>,
    input: ViewInput,
) -> Result<ContactViewRecord, OutreachError> {
    let name = clean(&input.name, 100).ok_or_else(|| OutreachError::invalid("name", "Give the view a name."))?;
    let view = ContactViewRecord {
        id: id.unwrap_or_else(|| ctx.id()),
        name,
        owner: actor.reference(),
        shared: input.shared,
        query: input.query,
        updated_at: ctx.now(),
    };
    store
        .write(move |tx| {
            let stored = if id.is_some() {
                tx.update_contact_view(workspace_id, &view)?
            } else {
                tx.insert_contact_view(workspace_id, &view)?;
                true
            };
            stored.then(|| view.clone()).ok_or(OutreachError::NotFound("view of yours"))
        })
        .await
}

/// Removes an own view.
///
/// # Errors
/// When there is none.
pub async fn delete_view(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: ContactViewId,
) -> Result<(), OutreachError> {
    let owner = actor.reference();
    store
        .write(move |tx| {
            let deleted = tx.delete_contact_view(workspace_id, id, &owner)?;
            deleted.then_some(()).ok_or(OutreachError::NotFound("view of yours"))
        })
        .await
}

segue_model::text_enum! {
    /// What to do with contacts and a list.
    pub enum ListAction {
        Add = "add",
        Remove = "remove",
    }
}

fn check_count(ids: &[ContactId]) -> Result<(), OutreachError> {
    match ids.len() {
        0 => Err(OutreachError::invalid("contact_ids", "Choose at least one contact.")),
        count if count > MOST_AT_ONCE => {
            Err(OutreachError::invalid("contact_ids", format!("At most {MOST_AT_ONCE} contacts are changed at once.")))
        }
        _ => Ok(()),
    }
}

/// Puts contacts on a list or takes them off. Gives how many that changed.
///
/// # Errors
/// When there is no such list, or there are no or too many contacts.
pub async fn change_list(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    list_id: ListId,
    action: ListAction,
    ids: Vec<ContactId>,
) -> Result<i64, OutreachError> {
    check_count(&ids)?;
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.list(workspace_id, list_id)?.ok_or(OutreachError::NotFound("list"))?;
            let mut changed = 0;
            for id in &ids {
                changed += i64::from(match action {
                    ListAction::Add if tx.contact(workspace_id, *id)?.is_none() => false,
                    ListAction::Add => tx.add_to_list(workspace_id, list_id, *id, now)?,
                    ListAction::Remove => tx.remove_from_list(workspace_id, list_id, *id)?,
                });
            }
            Ok(changed)
        })
        .await
}

/// Deletes contacts; for 30 days they can be brought back.
///
/// # Errors
/// When there are no or too many contacts.
pub async fn delete(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    ids: Vec<ContactId>,
) -> Result<DeletionView, OutreachError> {
    check_count(&ids)?;
    let (id, now, actor) = (ctx.id::<DeletionId>(), ctx.now(), actor.reference());
    // Many are a tenth of a second of work, for which no conversation should wait.
    store.write_bulk(move |tx| Ok(tx.delete_contacts(workspace_id, id, &ids, &actor, now)?)).await
}

/// Brings deleted contacts back. Gives how many are back; those whose phone number another contact has now are not.
///
/// # Errors
/// When there is no such deletion (any more), or it was taken back already.
pub async fn restore(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: DeletionId,
) -> Result<i64, OutreachError> {
    let now = ctx.now();
    store
        .write_bulk(move |tx| {
            tx.restore_contacts(workspace_id, id, now)?.ok_or(OutreachError::NotFound("deletion to take back"))
        })
        .await
}

//! Lists of contacts.

use segue_model::{ContactId, ListId, Timestamp, WorkspaceId};
use serde::Serialize;

use crate::{Row, StoreError, Tx};

/// A list of contacts as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContactList)]
pub struct ContactListView {
    pub id: ListId,
    pub name: String,
    pub member_count: i64,
    pub created_at: Timestamp,
}

crate::sql! {
    INSERT_LIST = "INSERT INTO lists (workspace_id, id, name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, name) DO NOTHING";
    LISTS = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 ORDER BY l.id DESC";
    LIST = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 AND l.id = $2";
    LIST_BY_NAME = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 AND l.name = $2";
    ADD_TO_LIST = "INSERT INTO list_members (workspace_id, list_id, contact_id, added_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, list_id, contact_id) DO NOTHING";
    REMOVE_FROM_LIST = "DELETE FROM list_members WHERE workspace_id = $1 AND list_id = $2 AND contact_id = $3";
    LISTS_OF_CONTACT = "SELECT list_id, added_at FROM list_members WHERE workspace_id = $1 AND contact_id = $2";
}

fn read_list(row: &mut Row<'_>) -> Result<ContactListView, StoreError> {
    Ok(ContactListView { id: row.next()?, name: row.next()?, member_count: row.next()?, created_at: row.next()? })
}

impl Tx<'_> {
    /// Adds a list. `false` when one has this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_list(
        &mut self,
        workspace_id: WorkspaceId,
        id: ListId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&INSERT_LIST, &[&workspace_id, &id, &name, &now])? == 1)
    }

    /// The lists of a workspace, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lists(&mut self, workspace_id: WorkspaceId) -> Result<Vec<ContactListView>, StoreError> {
        self.query(&LISTS, &[&workspace_id], read_list)
    }

    /// One list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&mut self, workspace_id: WorkspaceId, id: ListId) -> Result<Option<ContactListView>, StoreError> {
        self.query_opt(&LIST, &[&workspace_id, &id], read_list)
    }

    /// The list with this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list_by_name(
        &mut self,
        workspace_id: WorkspaceId,
        name: &str,
    ) -> Result<Option<ContactListView>, StoreError> {
        self.query_opt(&LIST_BY_NAME, &[&workspace_id, &name], read_list)
    }

    /// Puts a contact on a list. `false` when it is on it already.
    ///
    /// # Errors
    /// When the store fails or one of the two does not exist.
    pub fn add_to_list(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: ListId,
        contact_id: ContactId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&ADD_TO_LIST, &[&workspace_id, &list_id, &contact_id, &now])? == 1)
    }

    /// Takes a contact off a list. `false` when it is not on it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_from_list(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: ListId,
        contact_id: ContactId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&REMOVE_FROM_LIST, &[&workspace_id, &list_id, &contact_id])? == 1)
    }

    /// The lists that a contact is on, and since when.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lists_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Vec<(ListId, Timestamp)>, StoreError> {
        self.query(&LISTS_OF_CONTACT, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))
    }
}

//! Rows that texts ask for: the newest or oldest of each of many contacts, in one query.

use std::collections::HashMap;

use segue_expr::{Case, FieldName, Subject};
use segue_model::{ContactId, TableId, WorkspaceId, id::Id as _};

use crate::{
    StoreError, Tx,
    built::Built,
    contact_view::AttributeKind,
    population::{as_number, is_number, value},
    table::TableColumn,
    table_row::RowFields,
};

/// Contacts of one query: as many as both engines take parameters for, with room.
const AT_ONCE: usize = 1_000;

segue_model::text_enum! {
    /// Which of a contact's rows is meant.
    pub enum Which {
        Newest = "newest",
        Oldest = "oldest",
    }
}

impl Tx<'_> {
    /// Of each contact the newest or oldest of the rows that are linked to it: by a column, rows without a value left out,
    /// else by when the row was made. Of equal rows it is the one whose key comes last, or first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn row_of_each(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        (which, by): (Which, Option<&TableColumn>),
        contacts: &[ContactId],
    ) -> Result<HashMap<ContactId, RowFields>, StoreError> {
        let mut found = HashMap::new();
        let by = match by {
            Some(column) => {
                let field = FieldName::new(column.name.clone());
                Some((field.map_err(|problem| StoreError::Statement(problem.to_string()))?, column.kind))
            }
            None => None,
        };
        let back = which == Which::Newest;
        for contacts in contacts.chunks(AT_ONCE) {
            let mut query = Built::new(self.dialect());
            query.push("SELECT f.contact_id, f.fields FROM (SELECT d.contact_id, d.fields, ROW_NUMBER() OVER (");
            query.push("PARTITION BY d.contact_id ORDER BY ");
            match &by {
                None => {
                    query.push("d.created_at");
                }
                Some((field, AttributeKind::Number)) => as_number(&mut query, field),
                Some((field, _)) => {
                    value(&mut query, field, Case::Exact, Subject::Row);
                    query.push_for("", " COLLATE \"C\"");
                }
            }
            query.push(if back { " DESC, d.row_key DESC" } else { ", d.row_key" });
            query.push(") AS place FROM data_rows d WHERE d.workspace_id = ").id_value(workspace_id.uuid());
            query.push(" AND d.table_id = ").id_value(table_id.uuid()).push(" AND d.contact_id IN (");
            for (place, contact) in contacts.iter().enumerate() {
                query.push(if place > 0 { ", " } else { "" }).id_value(contact.uuid());
            }
            query.push(")");
            match &by {
                None => {}
                Some((field, AttributeKind::Number)) => {
                    query.push(" AND ");
                    is_number(&mut query, field);
                }
                Some((field, _)) => {
                    query.push(" AND ");
                    value(&mut query, field, Case::Exact, Subject::Row);
                    query.push(" <> ''");
                }
            }
            query.push(") f WHERE f.place = 1");
            self.each_built(&query, |row| {
                found.insert(row.next()?, row.json()?);
                Ok(())
            })?;
        }
        Ok(found)
    }
}

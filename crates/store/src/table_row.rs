//! Rows of tables beside the contacts: written, deleted, and following the contact that they are linked to.
//!
//! A row is JSON under the workspace, its table and its key. The address in its link column is resolved to a contact when
//! the row is written, and when a contact first gets an address that rows wait for. From then on the row belongs to the
//! person: it stays theirs when the address changes hands, goes with a merge and comes back with its undoing, is removed
//! with the person, and comes back when a deletion is taken back.
//!
//! # Why a crash at each point is safe
//! Rows, their links and the table's count of rows are written in one transaction. Whoever writes linked rows holds the
//! lock of addresses, for which writers of contacts wait: so no address can become somebody's between the look for its
//! contact and the row.

use std::collections::{BTreeMap, HashMap};

use segue_model::{ContactId, TableId, Timestamp, WorkspaceId, contact::ContactFields, id::Id as _};
use serde::{Deserialize, Serialize};

use crate::{
    Bind as _, Param, Row, StoreError, Tx,
    contact_address::{AddressKind, ContactAddress},
    table::{DataTable, LinkBy},
    tx::json_text,
};

/// What separates the values of a key.
pub const KEY_SEPARATOR: char = '\u{1f}';

/// Values by the names of their columns.
pub type RowFields = BTreeMap<String, String>;

/// A row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    pub key: String,
    pub fields: RowFields,
    /// The address in its link column, in the form of [`link_of`].
    pub link: Option<String>,
    /// The country by which its numbers were read, when an import was told one.
    pub country: Option<String>,
}

/// What is known of a row before it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownRow {
    pub fields: RowFields,
    pub link: Option<String>,
    pub country: Option<String>,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRow {
    pub table_id: TableId,
    pub key: String,
    pub fields: RowFields,
    pub link: Option<String>,
    #[serde(default)]
    pub country: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    Created,
    Updated(KnownRow),
    Unchanged,
}

/// An address as rows keep it.
#[must_use]
pub fn link_of(by: LinkBy, address: &str) -> String {
    match by {
        LinkBy::Phone => format!("phone:{address}"),
        LinkBy::ExternalKey => format!("key:{address}"),
        LinkBy::Email => format!("email:{}", address.to_lowercase()),
    }
}

/// The addresses of a contact as rows keep them; empty where there is none.
fn links_of(fields: &ContactFields) -> [String; 3] {
    let link = |by, address: Option<&str>| address.map(|address| link_of(by, address)).unwrap_or_default();
    [
        link(LinkBy::Phone, fields.phone.as_ref().map(segue_model::PhoneNumber::as_str)),
        link(LinkBy::ExternalKey, fields.external_key.as_deref()),
        link(LinkBy::Email, fields.email.as_deref()),
    ]
}

fn link_of_address(kind: AddressKind, address: &str) -> String {
    let by = match kind {
        AddressKind::Phone => LinkBy::Phone,
        AddressKind::Email => LinkBy::Email,
        AddressKind::Key => LinkBy::ExternalKey,
    };
    link_of(by, address)
}

crate::sql! {
    ROW_FIELDS = "SELECT fields FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key = $3";
    KNOWN_ROW = "SELECT fields, link, country FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key = $3";
    PUT_ROW = "INSERT INTO data_rows (workspace_id, table_id, row_key, fields, link, contact_id, created_at, updated_at,
            country)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        ON CONFLICT (workspace_id, table_id, row_key) DO UPDATE SET fields = excluded.fields,
            contact_id = CASE WHEN data_rows.link = excluded.link THEN COALESCE(data_rows.contact_id, excluded.contact_id)
                ELSE excluded.contact_id END,
            link = excluded.link, updated_at = excluded.updated_at, country = excluded.country";
    DELETE_ROW = "DELETE FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key = $3";
    CONTACT_OF_LINK_PHONE = "SELECT id FROM contacts WHERE workspace_id = $1 AND phone = $2
        UNION ALL SELECT contact_id FROM contact_addresses WHERE workspace_id = $1 AND kind = 'phone' AND address = $2";
    CONTACT_OF_LINK_KEY = "SELECT id FROM contacts WHERE workspace_id = $1 AND external_key = $2
        UNION ALL SELECT contact_id FROM contact_addresses WHERE workspace_id = $1 AND kind = 'key' AND address = $2";
    CONTACT_OF_LINK_EMAIL = "SELECT id FROM contacts WHERE workspace_id = $1 AND email IS NOT NULL AND LOWER(email) = $2
        ORDER BY created_at, id LIMIT 1";
    CONTACT_OF_FURTHER_EMAIL = "SELECT contact_id FROM contact_addresses
        WHERE workspace_id = $1 AND kind = 'email' AND LOWER(address) = $2 ORDER BY added_at, contact_id LIMIT 1";
    ROWS_WAIT = "SELECT 1 FROM data_rows WHERE workspace_id = $1 AND contact_id IS NULL AND link IS NOT NULL LIMIT 1";
    ADOPT_ROWS = "UPDATE data_rows SET contact_id = $2
        WHERE workspace_id = $1 AND contact_id IS NULL AND link IN ($3, $4, $5)";
    ROWS_OF_CONTACT = "SELECT table_id, row_key, fields, link, country, created_at, updated_at FROM data_rows
        WHERE workspace_id = $1 AND contact_id = $2 ORDER BY table_id, row_key";
    DELETE_ROWS_OF_CONTACT = "DELETE FROM data_rows WHERE workspace_id = $1 AND contact_id = $2
        RETURNING table_id, row_key";
    FORGET_IMPORTED = "DELETE FROM import_row_changes WHERE workspace_id = $1 AND row_key = $3 AND import_id IN (
        SELECT i.id FROM imports i WHERE i.workspace_id = $1 AND i.table_id = $2)";
    MOVE_ROWS = "UPDATE data_rows SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2
        RETURNING table_id, row_key";
    MOVE_ROW_BACK = "UPDATE data_rows SET contact_id = $5
        WHERE workspace_id = $1 AND table_id = $2 AND row_key = $3 AND contact_id = $4";
    LET_GO_OF_ROWS = "UPDATE data_rows SET contact_id = NULL WHERE workspace_id = $1 AND contact_id = $2 AND link = $3";
    RESTORE_ROW = "INSERT INTO data_rows (workspace_id, table_id, row_key, fields, link, contact_id, created_at, updated_at,
            country)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
        WHERE EXISTS (SELECT 1 FROM data_tables t WHERE t.workspace_id = $1 AND t.id = $2)
        ON CONFLICT (workspace_id, table_id, row_key) DO NOTHING";
    UNLINK_ROWS = "UPDATE data_rows SET link = NULL, contact_id = NULL WHERE workspace_id = $1 AND table_id = $2";
    ROWS_TO_LINK = "SELECT row_key, fields, country FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key > $3
        ORDER BY row_key LIMIT $4";
    COUNT_LESS = "UPDATE data_tables SET row_count = row_count - $3 WHERE workspace_id = $1 AND id = $2";
    RELINK_ROW = "UPDATE data_rows SET link = $4, contact_id = $5 WHERE workspace_id = $1 AND table_id = $2 AND row_key = $3";
}

fn read_stored(row: &mut Row<'_>) -> Result<StoredRow, StoreError> {
    Ok(StoredRow {
        table_id: row.next()?,
        key: row.next()?,
        fields: row.json()?,
        link: row.next()?,
        country: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Waits for whoever changes the table or contacts' addresses, as far as its rows depend on them. To be called before
    /// the table is read.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_rows(&mut self, workspace_id: WorkspaceId, table_id: TableId) -> Result<(), StoreError> {
        self.lock_addresses(workspace_id)?;
        self.lock_table(table_id)
    }

    /// Whose these addresses are.
    ///
    /// # Errors
    /// When the store fails.
    fn contacts_of_links(
        &mut self,
        workspace_id: WorkspaceId,
        links: &[&str],
    ) -> Result<HashMap<String, ContactId>, StoreError> {
        let mut found = HashMap::new();
        for (prefix, sql) in [
            ("phone:", [Some(&CONTACT_OF_LINK_PHONE), None]),
            ("key:", [Some(&CONTACT_OF_LINK_KEY), None]),
            ("email:", [Some(&CONTACT_OF_LINK_EMAIL), Some(&CONTACT_OF_FURTHER_EMAIL)]),
        ] {
            for sql in sql.into_iter().flatten() {
                let addresses: Vec<&str> = links
                    .iter()
                    .filter(|link| !found.contains_key(**link))
                    .filter_map(|link| link.strip_prefix(prefix))
                    .collect();
                let owners = self.query_each(
                    sql,
                    &addresses,
                    |address| [Param::Id(workspace_id.uuid()), Param::Text(address)],
                    |row| row.next::<ContactId>(),
                )?;
                let owned = addresses.iter().zip(owners).filter_map(|(address, owner)| Some((address, owner?)));
                found.extend(owned.map(|(address, owner)| (format!("{prefix}{address}"), owner)));
            }
        }
        Ok(found)
    }

    /// Writes rows, each anew or over the one with its key, and tells what became of each. The caller holds
    /// [`Tx::lock_rows`]; no two rows have the same key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_rows(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        rows: &[NewRow],
        now: Timestamp,
    ) -> Result<Vec<RowChange>, StoreError> {
        let before = self.known_rows(workspace_id, table_id, rows.iter().map(|row| row.key.as_str()))?;
        let links: Vec<&str> = rows.iter().filter_map(|row| row.link.as_deref()).collect();
        let owners = self.contacts_of_links(workspace_id, &links)?;
        let changes: Vec<RowChange> = rows
            .iter()
            .zip(before)
            .map(|(row, before)| match before {
                None => RowChange::Created,
                // Its country too: another one is told by an import, and counts when the table gets a link later.
                Some(before) if same(&before, row) => RowChange::Unchanged,
                Some(before) => RowChange::Updated(before),
            })
            .collect();
        let mut written = Vec::new();
        for (row, _) in rows.iter().zip(&changes).filter(|(_, change)| **change != RowChange::Unchanged) {
            let owner = row.link.as_ref().and_then(|link| owners.get(link)).copied();
            written.push((row, clean_json(&row.fields)?, owner));
        }
        self.execute_each(&PUT_ROW, &written, |(row, fields, owner)| {
            [
                Param::Id(workspace_id.uuid()),
                Param::Id(table_id.uuid()),
                row.key.bind(),
                Param::Text(fields),
                row.link.bind(),
                id_param(*owner),
                Param::Int(now.0),
                row.country.bind(),
            ]
        })?;
        let created = changes.iter().filter(|change| **change == RowChange::Created).count();
        if !written.is_empty() {
            self.rows_wait = None;
            self.count_rows(workspace_id, table_id, created as i64, now)?;
        }
        Ok(changes)
    }

    /// Rows by their keys, in the order of the keys.
    ///
    /// # Errors
    /// When the store fails.
    pub fn known_rows<'k>(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Result<Vec<Option<KnownRow>>, StoreError> {
        self.query_each(
            &KNOWN_ROW,
            keys,
            |key| [Param::Id(workspace_id.uuid()), Param::Id(table_id.uuid()), Param::Text(key)],
            |row| Ok(KnownRow { fields: row.json()?, link: row.next()?, country: row.next()? }),
        )
    }

    /// The fields of rows by their keys, in the order of the keys.
    ///
    /// # Errors
    /// When the store fails.
    pub fn row_fields<'k>(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Result<Vec<Option<RowFields>>, StoreError> {
        self.query_each(
            &ROW_FIELDS,
            keys,
            |key| [Param::Id(workspace_id.uuid()), Param::Id(table_id.uuid()), Param::Text(key)],
            |row| row.json(),
        )
    }

    /// Deletes rows by their keys and tells which were there. The caller holds [`Tx::lock_table`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_rows(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        keys: &[String],
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let deleted = self.execute_each(&DELETE_ROW, keys, |key| {
            [Param::Id(workspace_id.uuid()), Param::Id(table_id.uuid()), key.bind()]
        })?;
        let count: u64 = deleted.iter().sum();
        if count > 0 {
            self.count_rows(workspace_id, table_id, -(count as i64), now)?;
        }
        Ok(deleted.into_iter().map(|count| count > 0).collect())
    }

    /// Links the rows that wait for one of a contact's own addresses. To be called whenever a contact is written.
    pub(crate) fn adopt_rows(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
    ) -> Result<(), StoreError> {
        self.adopt(workspace_id, id, links_of(fields))
    }

    /// Links the rows that wait for a further address of a contact.
    pub(crate) fn adopt_rows_of(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        kind: AddressKind,
        address: &str,
    ) -> Result<(), StoreError> {
        self.adopt(workspace_id, id, [link_of_address(kind, address), String::new(), String::new()])
    }

    /// Has rows wait again that came to `kept` by the addresses of somebody who was merged into it and no longer is: they go
    /// to whoever those addresses are written for next. Rows by the addresses that are `kept`'s own stay.
    pub(crate) fn let_go_of_rows(
        &mut self,
        workspace_id: WorkspaceId,
        kept: (ContactId, &ContactFields),
        merged: (&ContactFields, &[ContactAddress]),
    ) -> Result<(), StoreError> {
        let own = links_of(kept.1);
        let further = merged.1.iter().map(|address| link_of_address(address.kind, &address.address));
        for link in links_of(merged.0).into_iter().chain(further) {
            if !link.is_empty() && !own.contains(&link) {
                self.execute(&LET_GO_OF_ROWS, &[&workspace_id, &kept.0, &link])?;
            }
        }
        self.rows_wait = None;
        Ok(())
    }

    fn adopt(&mut self, workspace_id: WorkspaceId, id: ContactId, links: [String; 3]) -> Result<(), StoreError> {
        // Most workspaces have no row that waits: asked once for each transaction.
        let wait = match self.rows_wait {
            Some((of, wait)) if of == workspace_id => wait,
            _ => self.query_opt(&ROWS_WAIT, &[&workspace_id], |row| row.next::<i64>())?.is_some(),
        };
        self.rows_wait = Some((workspace_id, wait));
        if wait {
            let [one, two, three] = &links;
            self.execute(&ADOPT_ROWS, &[&workspace_id, &id, one, two, three])?;
        }
        Ok(())
    }

    /// The rows that are linked to a contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rows_of_contact(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<Vec<StoredRow>, StoreError> {
        self.query(&ROWS_OF_CONTACT, &[&workspace_id, &id], read_stored)
    }

    /// Removes the rows that are linked to a contact, and what imports noted of them.
    pub(crate) fn delete_rows_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<(), StoreError> {
        let mut gone: BTreeMap<TableId, i64> = BTreeMap::new();
        let rows: Vec<(TableId, String)> =
            self.query(&DELETE_ROWS_OF_CONTACT, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))?;
        for (table_id, key) in rows {
            self.execute(&FORGET_IMPORTED, &[&workspace_id, &table_id, &key])?;
            *gone.entry(table_id).or_default() += 1;
        }
        for (table_id, count) in gone {
            self.execute(&COUNT_LESS, &[&workspace_id, &table_id, &count])?;
        }
        Ok(())
    }

    /// Brings back rows of a contact that is back; a row whose key is taken meanwhile, or whose table is gone, stays gone.
    pub(crate) fn restore_rows(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        rows: &[StoredRow],
    ) -> Result<(), StoreError> {
        for row in rows {
            let fields = json_text(&row.fields)?;
            let restored = self.execute(
                &RESTORE_ROW,
                &[
                    &workspace_id,
                    &row.table_id,
                    &row.key,
                    &fields,
                    &row.link,
                    &id,
                    &row.created_at,
                    &row.updated_at,
                    &row.country,
                ],
            )?;
            if restored == 1 {
                self.execute(&COUNT_LESS, &[&workspace_id, &row.table_id, &-1_i64])?;
            }
        }
        Ok(())
    }

    /// The rows of one contact are another one's. Gives which.
    pub(crate) fn move_rows(
        &mut self,
        workspace_id: WorkspaceId,
        from: ContactId,
        to: ContactId,
    ) -> Result<Vec<(TableId, String)>, StoreError> {
        self.query(&MOVE_ROWS, &[&workspace_id, &from, &to], |row| Ok((row.next()?, row.next()?)))
    }

    /// Takes [`Tx::move_rows`] back, as far as the rows are still the other one's.
    pub(crate) fn move_rows_back(
        &mut self,
        workspace_id: WorkspaceId,
        rows: &[(TableId, String)],
        from: ContactId,
        to: ContactId,
    ) -> Result<(), StoreError> {
        for (table_id, key) in rows {
            self.execute(&MOVE_ROW_BACK, &[&workspace_id, table_id, key, &from, &to])?;
        }
        Ok(())
    }

    /// Links all rows of a table anew, after its link was changed; `link` tells the address of a row from its fields and
    /// the country by which its numbers were read. The caller holds [`Tx::lock_rows`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn link_rows_anew(
        &mut self,
        workspace_id: WorkspaceId,
        table: &DataTable,
        link: impl Fn(&RowFields, Option<&str>) -> Option<String>,
    ) -> Result<(), StoreError> {
        self.execute(&UNLINK_ROWS, &[&workspace_id, &table.id])?;
        if table.link.is_none() {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let page: Vec<(String, RowFields, Option<String>)> =
                self.query(&ROWS_TO_LINK, &[&workspace_id, &table.id, &after, &1_000_i64], |row| {
                    Ok((row.next()?, row.json()?, row.next()?))
                })?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.0);
            let linked: Vec<(String, String)> = page
                .into_iter()
                .filter_map(|(key, fields, country)| Some((key, link(&fields, country.as_deref())?)))
                .collect();
            let links: Vec<&str> = linked.iter().map(|(_, link)| link.as_str()).collect();
            let owners = self.contacts_of_links(workspace_id, &links)?;
            self.execute_each(&RELINK_ROW, &linked, |(key, link)| {
                [
                    Param::Id(workspace_id.uuid()),
                    Param::Id(table.id.uuid()),
                    key.bind(),
                    link.bind(),
                    id_param(owners.get(link).copied()),
                ]
            })?;
        }
        self.rows_wait = None;
        Ok(())
    }
}

fn same(known: &KnownRow, row: &NewRow) -> bool {
    known.fields == row.fields && known.link == row.link && known.country == row.country
}

fn id_param(id: Option<ContactId>) -> Param<'static> {
    id.map_or(Param::Null, |id| Param::Id(id.uuid()))
}

/// Fields as they are stored. The character U+0000 is no text for PostgreSQL, which would refuse to look into such JSON.
fn clean_json(fields: &RowFields) -> Result<String, StoreError> {
    let clean = |text: &String| text.replace('\0', "\u{FFFD}");
    let fields: RowFields = fields.iter().map(|(name, value)| (clean(name), clean(value))).collect();
    json_text(&fields)
}

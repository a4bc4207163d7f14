//! What imports did to contacts, so that they can be undone.

use segue_model::{
    ContactId, ImportId, ListId, Timestamp, WorkspaceId, consent::ConsentMethod, contact::ContactFields,
    contact::FieldChanges, id::Id as _,
};
use uuid::Uuid;

use crate::{REMOVED_AT_ONCE, Row, StoreError, Tx, contact::read_fields, tx::json_text};

segue_model::text_enum! {
    /// What became of a contact.
    pub enum ChangeKind {
        Created = "created",
        Updated = "updated",
        /// Only its list membership or its consent is new.
        Unchanged = "unchanged",
    }
}

/// What an import did to one contact.
#[derive(Debug, Clone)]
pub struct ImportChange {
    pub contact_id: ContactId,
    pub kind: ChangeKind,
    /// Values before and after of the fields that it changed.
    pub fields: FieldChanges,
    /// Whether it put the contact on its list.
    pub listed: bool,
    /// The address for which it added an opt-in to the ledger.
    pub opted_in: Option<String>,
}

/// A change and what is known now of its contact.
#[derive(Debug, Clone)]
pub struct ChangeAndNow {
    pub change: ImportChange,
    /// The contact's fields; `None` when it is gone.
    pub contact: Option<ContactFields>,
    /// 1 when nobody has changed it since it was created.
    pub version: i64,
    /// Whether anything else points to it: a conversation, lead, case, another list, a campaign, a row of
    /// a table, a further number, address or key.
    pub is_used: bool,
    /// Whether anybody said anything about consent since, for the address of the opt-in.
    pub spoke_since: bool,
}

crate::sql! {
    INSERT_IMPORT_CHANGE = "INSERT INTO import_changes (workspace_id, import_id, contact_id, kind, fields, listed, opted_in)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, import_id, contact_id) DO NOTHING";
    // Recipients are looked for campaign by campaign, through the key of contacts.
    IMPORT_CHANGES = "SELECT h.contact_id, h.kind, h.fields, h.listed, h.opted_in,
            c.id, COALESCE(c.version, 0), c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone,
            c.external_key, COALESCE(c.attributes, '{}'),
            EXISTS (SELECT 1 FROM messaging_users u WHERE u.workspace_id = h.workspace_id AND u.contact_id = h.contact_id)
            OR EXISTS (SELECT 1 FROM leads l WHERE l.workspace_id = h.workspace_id AND l.contact_id = h.contact_id)
            OR EXISTS (SELECT 1 FROM cases k WHERE k.workspace_id = h.workspace_id AND k.contact_id = h.contact_id)
            OR EXISTS (SELECT 1 FROM list_members m WHERE m.workspace_id = h.workspace_id
                AND m.contact_id = h.contact_id AND m.list_id <> $5)
            OR EXISTS (SELECT 1 FROM recipients r WHERE r.workspace_id = h.workspace_id AND r.contact_id = h.contact_id
                AND r.campaign_id IN (SELECT g.id FROM campaigns g WHERE g.workspace_id = h.workspace_id))
            OR EXISTS (SELECT 1 FROM data_rows d WHERE d.workspace_id = h.workspace_id AND d.contact_id = h.contact_id)
            OR EXISTS (SELECT 1 FROM contact_addresses a WHERE a.workspace_id = h.workspace_id
                AND a.contact_id = h.contact_id),
            EXISTS (SELECT 1 FROM consent_events e WHERE e.workspace_id = h.workspace_id AND e.address = COALESCE(h.opted_in, c.phone)
                AND e.recorded_at > $6)
        FROM import_changes h
        LEFT JOIN contacts c ON c.workspace_id = h.workspace_id AND c.id = h.contact_id
        WHERE h.workspace_id = $1 AND h.import_id = $2 AND h.contact_id > $3
        ORDER BY h.contact_id LIMIT $4";
    /// The proof of what an import claims ends with the import and the row, in brackets where it has another.
    CLAIMED_AT = "SELECT MAX(occurred_at) FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = 'sms' AND purpose = 'marketing' AND scope = 'all'
            AND action = 'grant' AND (proof LIKE $3 OR proof LIKE $4)";
    DELETE_IMPORT_CHANGES = "DELETE FROM import_changes WHERE workspace_id = $1 AND (import_id, contact_id) IN (
        SELECT h.import_id, h.contact_id FROM imports i
        JOIN import_changes h ON h.workspace_id = i.workspace_id AND h.import_id = i.id
        WHERE i.workspace_id = $1 AND i.created_at < $2 AND i.state IN ('done', 'failed', 'undone') LIMIT $3)";
}

/// What an entry of the ledger that takes an import's claim back gives as its proof.
#[must_use]
pub fn proof_of_undo(id: ImportId) -> String {
    format!("{id}{UNDONE}")
}

const UNDONE: &str = " was undone";

/// The import that claimed what has this proof, or that was undone: what an import claims is proven by the import and the
/// row, which stand last and in brackets where there is another proof.
pub(crate) fn import_of(method: ConsentMethod, proof: &str) -> Option<ImportId> {
    if method == ConsentMethod::ImportUndo {
        return proof.strip_suffix(UNDONE)?.parse().ok();
    }
    let place = proof.strip_suffix(')').map_or(Some(proof), |proof| Some(proof.rsplit_once('(')?.1))?;
    let (id, row) = place.split_once(" row ")?;
    if row.is_empty() || !row.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    id.parse().ok()
}

fn read_change(row: &mut Row<'_>) -> Result<ChangeAndNow, StoreError> {
    let change = ImportChange {
        contact_id: row.next()?,
        kind: row.word()?,
        fields: row.json()?,
        listed: row.next()?,
        opted_in: row.next()?,
    };
    let known: Option<ContactId> = row.next()?;
    let version = row.next()?;
    let fields = read_fields(row)?;
    Ok(ChangeAndNow { change, contact: known.map(|_| fields), version, is_used: row.next()?, spoke_since: row.next()? })
}

impl Tx<'_> {
    /// Notes what an import did to a contact. Belongs into the transaction that does it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import_change(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        change: &ImportChange,
    ) -> Result<(), StoreError> {
        let fields = json_text(&change.fields)?;
        self.execute(
            &INSERT_IMPORT_CHANGE,
            &[
                &workspace_id,
                &import_id,
                &change.contact_id,
                &change.kind.as_str(),
                &fields,
                &i64::from(change.listed),
                &change.opted_in,
            ],
        )
        .map(|_| ())
    }

    /// What an import did to the contacts after `after`, in the order of their ids, and how they are now. `list_id` is
    /// the import's own list, `ended_at` its end.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_changes(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        after: Option<ContactId>,
        list_id: Option<ListId>,
        ended_at: Timestamp,
        limit: i64,
    ) -> Result<Vec<ChangeAndNow>, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        let list_id = list_id.unwrap_or_else(|| ListId::from_uuid(Uuid::nil()));
        self.query(&IMPORT_CHANGES, &[&workspace_id, &import_id, &after, &limit, &list_id, &ended_at], read_change)
    }

    /// The moment for which an import claimed the opt-in of an address; `None` when the ledger does not have it (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn claimed_at(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        address: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (alone, beside) = (format!("{import_id} row %"), format!("%({import_id} row %)"));
        self.query_one(&CLAIMED_AT, &[&workspace_id, &address, &alone, &beside], |row| row.next())
    }

    /// Forgets what imports from before `before` did, at most [`REMOVED_AT_ONCE`] changes; they cannot be undone any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_import_changes(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_IMPORT_CHANGES, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_told_by_the_proof_of_what_it_claimed() {
        let id: ImportId = "imp_00000000000000000000000001".parse().unwrap();
        for (method, proof, expected) in [
            (ConsentMethod::WebForm, format!("{id} row 2"), Some(id)),
            (ConsentMethod::Import, format!("form 7 (page 3) ({id} row 12)"), Some(id)),
            (ConsentMethod::WebForm, format!("form 7, see {id} row 2"), None),
            (ConsentMethod::WebForm, format!("{id} row "), None),
            (ConsentMethod::WebForm, "form 7 (page 3)".to_owned(), None),
            (ConsentMethod::WebForm, ")".to_owned(), None),
            (ConsentMethod::ImportUndo, proof_of_undo(id), Some(id)),
            (ConsentMethod::Agent, proof_of_undo(id), None),
            (ConsentMethod::ImportUndo, "typed in twice".to_owned(), None),
        ] {
            assert_eq!(import_of(method, &proof), expected, "{proof}");
        }
    }
}

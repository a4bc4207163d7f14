//! What imports did to contacts, so that they can be undone.

use std::collections::BTreeSet;

use segue_model::{
    ContactId, ImportId, ListId, Timestamp, WorkspaceId, consent::ConsentMethod, contact::ContactFields,
    contact::FieldChanges, id::Id as _,
};
use uuid::Uuid;

use crate::{REMOVED_AT_ONCE, Row, StoreError, Tx, contact::read_fields, import::UndoableImport, tx::json_text};

segue_model::text_enum! {
    /// What became of a contact.
    pub enum ChangeKind {
        Created = "created",
        Updated = "updated",
        /// At most its list membership or its consent is new; else the import found all as it says, and another one that
        /// could still be undone had brought the contact.
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
    /// The addresses for which it added an opt-in to the ledger: one of each row.
    pub opted_in: Vec<String>,
}

impl ImportChange {
    /// What it did to the contact in all, with this of a further row of the file.
    fn and_then(mut self, next: &Self) -> Self {
        if self.kind == ChangeKind::Unchanged {
            self.kind = next.kind;
        }
        for (name, (before, after)) in &next.fields {
            let first = self.fields.get(name).map_or(before, |(first, _)| first).clone();
            if first == *after {
                self.fields.remove(name);
            } else {
                self.fields.insert(name.clone(), (first, after.clone()));
            }
        }
        self.listed |= next.listed;
        for address in &next.opted_in {
            if !self.opted_in.contains(address) {
                self.opted_in.push(address.clone());
            }
        }
        self
    }
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
    /// Whether anybody said anything about consent since, for the address of an opt-in.
    pub spoke_since: bool,
    /// The first other import that is not undone and brought the contact, too.
    pub brought_besides: Option<ImportId>,
    /// The first such one that put it on the same list, or would have.
    pub listed_besides: Option<ImportId>,
    /// Later imports that are not undone and had to do with the contact, in their order.
    pub later: Vec<ImportId>,
}

crate::sql! {
    INSERT_IMPORT_CHANGE = "INSERT INTO import_changes (workspace_id, import_id, contact_id, kind, fields, listed, opted_in,
            opted_in_too)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (workspace_id, import_id, contact_id) DO NOTHING";
    IMPORT_CHANGE = "SELECT contact_id, kind, fields, listed, opted_in, opted_in_too FROM import_changes
        WHERE workspace_id = $1 AND import_id = $2 AND contact_id = $3";
    PUT_IMPORT_CHANGE = "UPDATE import_changes SET kind = $4, fields = $5, listed = $6, opted_in = $7, opted_in_too = $8
        WHERE workspace_id = $1 AND import_id = $2 AND contact_id = $3";
    // What imports claim, and what their undoing takes back, is nobody's word: whether one brought the contact is asked for.
    // Recipients are looked for campaign by campaign, through the key of contacts.
    IMPORT_CHANGES = "SELECT h.contact_id, h.kind, h.fields, h.listed, h.opted_in, h.opted_in_too,
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
                AND e.recorded_at > $6 AND e.method <> 'import_undo'
                AND NOT (e.action = 'grant'
                    AND (COALESCE(e.proof, '') LIKE 'imp_% row %' OR COALESCE(e.proof, '') LIKE '%(imp_% row %)')))
        FROM import_changes h
        LEFT JOIN contacts c ON c.workspace_id = h.workspace_id AND c.id = h.contact_id
        WHERE h.workspace_id = $1 AND h.import_id = $2 AND h.contact_id > $3
        ORDER BY h.contact_id LIMIT $4";
    SPOKE_SINCE = "SELECT 1 FROM consent_events e WHERE e.workspace_id = $1 AND e.address = $2 AND e.recorded_at > $3
            AND e.method <> 'import_undo'
            AND NOT (e.action = 'grant'
                AND (COALESCE(e.proof, '') LIKE 'imp_% row %' OR COALESCE(e.proof, '') LIKE '%(imp_% row %)')) LIMIT 1";
    /// Imports of contacts that had not ended when the one that is undone began, and that are not undone themselves.
    IMPORTS_BESIDES = "SELECT id, list_id FROM imports
        WHERE workspace_id = $1 AND id <> $2 AND mode = 'import' AND table_id IS NULL
            AND state IN ('running', 'done', 'failed') AND (ended_at IS NULL OR ended_at >= $3)
        ORDER BY id";
    /// Contacts of a page of one import that another one had to do with, too.
    CONTACTS_OF_BOTH = "SELECT o.contact_id FROM import_changes h
        JOIN import_changes o ON o.workspace_id = h.workspace_id AND o.import_id = $5 AND o.contact_id = h.contact_id
        WHERE h.workspace_id = $1 AND h.import_id = $2 AND h.contact_id > $3 AND h.contact_id <= $4
            AND o.contact_id > $3 AND o.contact_id <= $4";
    /// The contact is the other import's own from then on. One that changed the contact is left alone, whose undoing brings
    /// its fields back.
    PASS_CREATED_ON = "UPDATE import_changes SET kind = 'created'
        WHERE workspace_id = $1 AND import_id = $2 AND contact_id = $3 AND kind = 'unchanged'";
    PASS_LISTED_ON = "UPDATE import_changes SET listed = 1
        WHERE workspace_id = $1 AND import_id = $2 AND contact_id = $3";
    /// What imports, of a JSON array of ids, created or put on their lists, of another one.
    BROUGHT_BY = sqlite: "SELECT o.import_id, o.contact_id, o.kind FROM json_each($2) f CROSS JOIN json_each($3) t
            CROSS JOIN import_changes o
        WHERE o.workspace_id = $1 AND o.import_id = unhex(f.value) AND o.contact_id = unhex(t.value)
            AND (o.kind = 'created' OR o.listed = 1)",
        postgres: "SELECT o.import_id, o.contact_id, o.kind
            FROM json_array_elements_text(CAST(CAST($2 AS TEXT) AS JSON)) f(value)
            CROSS JOIN json_array_elements_text(CAST(CAST($3 AS TEXT) AS JSON)) t(value)
            JOIN import_changes o ON o.workspace_id = $1 AND o.import_id = CAST(f.value AS UUID)
                AND o.contact_id = CAST(t.value AS UUID)
        WHERE o.kind = 'created' OR o.listed = 1";
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

fn read_change(row: &mut Row<'_>) -> Result<ImportChange, StoreError> {
    let (contact_id, kind, fields, listed) = (row.next()?, row.word()?, row.json()?, row.next()?);
    let mut opted_in: Vec<String> = row.next::<Option<String>>()?.into_iter().collect();
    opted_in.extend(row.optional_json::<Vec<String>>()?.into_iter().flatten());
    Ok(ImportChange { contact_id, kind, fields, listed, opted_in })
}

fn read_change_and_now(row: &mut Row<'_>) -> Result<ChangeAndNow, StoreError> {
    let change = read_change(row)?;
    let known: Option<ContactId> = row.next()?;
    let version = row.next()?;
    let fields = read_fields(row)?;
    Ok(ChangeAndNow {
        change,
        contact: known.map(|_| fields),
        version,
        is_used: row.next()?,
        spoke_since: row.next()?,
        brought_besides: None,
        listed_besides: None,
        later: Vec::new(),
    })
}

impl Tx<'_> {
    /// Notes what an import did to a contact, in each row that reached it. Belongs into the transaction that does it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import_change(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        change: &ImportChange,
    ) -> Result<(), StoreError> {
        if self.put_import_change(&INSERT_IMPORT_CHANGE, workspace_id, import_id, change)? == 1 {
            return Ok(());
        }
        let key: [&dyn crate::Bind; 3] = [&workspace_id, &import_id, &change.contact_id];
        let before = self.query_one(&IMPORT_CHANGE, &key, read_change)?;
        self.put_import_change(&PUT_IMPORT_CHANGE, workspace_id, import_id, &before.and_then(change)).map(|_| ())
    }

    fn put_import_change(
        &mut self,
        sql: &'static crate::Sql,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        change: &ImportChange,
    ) -> Result<u64, StoreError> {
        let (first, further) = change
            .opted_in
            .split_first()
            .map_or((None, None), |(first, further)| (Some(first), (!further.is_empty()).then_some(further)));
        let further = further.map(|further| json_text(&further)).transpose()?;
        self.execute(
            sql,
            &[
                &workspace_id,
                &import_id,
                &change.contact_id,
                &change.kind.as_str(),
                &json_text(&change.fields)?,
                &i64::from(change.listed),
                &first,
                &further,
            ],
        )
    }

    /// What an import did to the contacts after `after`, in the order of their ids, and how they are now. `list_id` is
    /// the import's own list; `began_at` and `ended_at` are its times.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_changes(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        after: Option<ContactId>,
        list_id: Option<ListId>,
        (began_at, ended_at): (Timestamp, Timestamp),
        limit: i64,
    ) -> Result<Vec<ChangeAndNow>, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        let list = list_id.unwrap_or_else(|| ListId::from_uuid(Uuid::nil()));
        let key: [&dyn crate::Bind; 6] = [&workspace_id, &import_id, &after, &limit, &list, &ended_at];
        let mut changes = self.query(&IMPORT_CHANGES, &key, read_change_and_now)?;
        for entry in &mut changes {
            for address in entry.change.opted_in.iter().skip(1) {
                let key: [&dyn crate::Bind; 3] = [&workspace_id, address, &ended_at];
                entry.spoke_since |= self.query_opt(&SPOKE_SINCE, &key, |row| row.next::<i64>())?.is_some();
            }
        }
        let Some(last) = changes.last().map(|entry| entry.change.contact_id) else { return Ok(changes) };
        let besides = self.query(&IMPORTS_BESIDES, &[&workspace_id, &import_id, &began_at], |row| {
            Ok((row.next::<ImportId>()?, row.next::<Option<ListId>>()?))
        })?;
        for (other, its_list) in besides {
            let key: [&dyn crate::Bind; 5] = [&workspace_id, &import_id, &after, &last, &other];
            let of_both: BTreeSet<ContactId> =
                self.query(&CONTACTS_OF_BOTH, &key, |row| row.next())?.into_iter().collect();
            let on_list = its_list.is_some() && its_list == list_id;
            for entry in changes.iter_mut().filter(|entry| of_both.contains(&entry.change.contact_id)) {
                entry.brought_besides = entry.brought_besides.or(Some(other));
                entry.listed_besides = entry.listed_besides.or(on_list.then_some(other));
                entry.later.extend((other > import_id).then_some(other));
            }
        }
        Ok(changes)
    }

    /// Those of the contacts that one of these imports created or put on this list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn brought_by(
        &mut self,
        workspace_id: WorkspaceId,
        imports: &[UndoableImport],
        list_id: Option<ListId>,
        contacts: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError> {
        if imports.is_empty() || contacts.is_empty() {
            return Ok(Vec::new());
        }
        let hex = |id: Uuid| id.simple().to_string();
        let of = json_text(&imports.iter().map(|import| hex(import.id.uuid())).collect::<Vec<_>>())?;
        let whom = json_text(&contacts.iter().map(|id| hex(id.uuid())).collect::<Vec<_>>())?;
        let brought = self.query(&BROUGHT_BY, &[&workspace_id, &of, &whom], |row| {
            Ok((row.next::<ImportId>()?, row.next::<ContactId>()?, row.word::<ChangeKind>()?))
        })?;
        let on_list = |id: ImportId| list_id.is_some() && imports.iter().any(|it| it.id == id && it.list_id == list_id);
        let brought = brought.into_iter().filter(|(import, _, kind)| *kind == ChangeKind::Created || on_list(*import));
        let ids: BTreeSet<ContactId> = brought.map(|(_, id, _)| id).collect();
        Ok(ids.into_iter().collect())
    }

    /// Makes a contact that stays when its import is undone that of another one that brought it, too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pass_created_on(
        &mut self,
        workspace_id: WorkspaceId,
        to: ImportId,
        contact_id: ContactId,
    ) -> Result<(), StoreError> {
        self.execute(&PASS_CREATED_ON, &[&workspace_id, &to, &contact_id]).map(|_| ())
    }

    /// Has later imports of a contact, in their order, find what was before one that is undone: what that one changed does not
    /// come back when they are undone, too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pass_values_on(
        &mut self,
        workspace_id: WorkspaceId,
        to: &[ImportId],
        undone: &ImportChange,
    ) -> Result<(), StoreError> {
        let mut open = undone.fields.clone();
        for other in to {
            let key: [&dyn crate::Bind; 3] = [&workspace_id, other, &undone.contact_id];
            let Some(mut change) = self.query_opt(&IMPORT_CHANGE, &key, read_change)? else { continue };
            let known = change.fields.clone();
            open.retain(|name, (before, after)| {
                let Some((found, _)) = change.fields.get_mut(name) else { return true };
                if *found == *after {
                    found.clone_from(before);
                }
                false
            });
            if change.fields != known {
                self.put_import_change(&PUT_IMPORT_CHANGE, workspace_id, *other, &change)?;
            }
        }
        Ok(())
    }

    /// Makes a place on a list that stays when its import is undone that of another one that put contacts on it, too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pass_listed_on(
        &mut self,
        workspace_id: WorkspaceId,
        to: ImportId,
        contact_id: ContactId,
    ) -> Result<(), StoreError> {
        self.execute(&PASS_LISTED_ON, &[&workspace_id, &to, &contact_id]).map(|_| ())
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
    fn rows_of_one_contact_are_one_change_from_the_first_value_to_the_last() {
        let text = |text: &str| Some(text.to_owned());
        let change =
            |kind, fields: &[(&str, Option<String>, Option<String>)], listed, opted_in: &[&str]| ImportChange {
                contact_id: ContactId::from_uuid(Uuid::nil()),
                kind,
                fields: fields
                    .iter()
                    .map(|(name, old, new)| ((*name).to_owned(), (old.clone(), new.clone())))
                    .collect(),
                listed,
                opted_in: opted_in.iter().map(|address| (*address).to_owned()).collect(),
            };
        let first = change(ChangeKind::Unchanged, &[], true, &["+1"]);
        let second = change(
            ChangeKind::Updated,
            &[("first_name", text("Ana"), text("Anna")), ("email", text("a@x.org"), text("b@x.org"))],
            false,
            &["+2"],
        );
        let third = change(
            ChangeKind::Updated,
            &[("first_name", text("Anna"), text("Annie")), ("email", text("b@x.org"), text("a@x.org"))],
            false,
            &["+1"],
        );
        let all = first.and_then(&second).and_then(&third);
        assert_eq!((all.kind, all.listed), (ChangeKind::Updated, true));
        assert_eq!(all.opted_in, ["+1", "+2"]);
        assert_eq!(
            all.fields,
            change(ChangeKind::Updated, &[("first_name", text("Ana"), text("Annie"))], false, &[]).fields
        );
    }

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

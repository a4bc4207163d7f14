//! Undoing an import: contacts that it created and nobody uses go, values that it changed come back unless they were
//! changed again, its list loses its members, and its opt-ins are taken back by an entry in the ledger. Opt-outs that it
//! brought stay: a no is never undone by anybody but the person. What another import brought as well stays, as that one's:
//! it goes when that one is undone, too. A contact that the other one changed stays for good: undoing that one gives it its
//! earlier values back, but none of an import that is undone already.
//!
//! # Why a crash at each point is safe
//! What the import did is logged with it, contact by contact. The log is walked in the order of contacts, [`CHUNK`] at a
//! time; one chunk is one transaction that changes contacts, list and ledger and moves the import's `undo_after`. A
//! crash leaves whole chunks, and the job goes on after the last. The counts that are shown before somebody confirms
//! come from the same decision ([`decide`]) over the same log; a contact whose former number or key somebody else has by
//! then is counted as changed since, and the rest is undone.

use segue_model::{
    Ctx, ImportId, Timestamp, WorkspaceId,
    consent::{ConsentAction, ConsentMethod, Medium, Purpose},
    contact::ContactFields,
};
use segue_store::{
    Store, StoreError, Tx,
    consent::{ConsentExtent, NewConsentEvent},
    contact::ContactChange,
    contact_address::AddressKind,
    import::{ImportState, ImportView, UndoCounts},
    import_change::{ChangeAndNow, ChangeKind, proof_of_undo},
};

use super::{UNDO_IMPORT, into_table, schedule};
use crate::OutreachError;

/// Contacts per transaction.
const CHUNK: i64 = 500;
/// Contacts per read while counting.
const COUNTED: i64 = 2_000;

/// What undoing does to one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    /// It is gone, or the import left its fields alone.
    Nothing,
    Remove,
    /// It is in use, or another import brought it, too.
    Keep,
    Restore(Box<ContactFields>),
    /// Somebody changed again whatever the import had changed, or has the number or key that would come back.
    ChangedSince,
}

/// What undoing does with one entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decision {
    contact: Action,
    unlist: bool,
    withdraw: bool,
}

fn decide(entry: &ChangeAndNow) -> Decision {
    let change = &entry.change;
    let contact = match (&entry.contact, change.kind) {
        (None, _) | (_, ChangeKind::Unchanged) => Action::Nothing,
        (Some(_), ChangeKind::Created)
            if entry.version == 1 && !entry.is_used && !entry.spoke_since && entry.brought_besides.is_none() =>
        {
            Action::Remove
        }
        (Some(_), ChangeKind::Created) => Action::Keep,
        (Some(now), ChangeKind::Updated) => match now.without(&change.fields) {
            restored if restored == *now => Action::ChangedSince,
            restored => Action::Restore(Box::new(restored)),
        },
    };
    Decision {
        unlist: change.listed && entry.listed_besides.is_none() && entry.contact.is_some() && contact != Action::Remove,
        withdraw: !change.opted_in.is_empty(),
        contact,
    }
}

fn count(counts: &mut UndoCounts, decision: &Decision) {
    match &decision.contact {
        Action::Nothing => {}
        Action::Remove => counts.removed += 1,
        Action::Keep => counts.kept += 1,
        Action::Restore(_) => counts.restored += 1,
        Action::ChangedSince => counts.changed_since += 1,
    }
    counts.unlisted += i64::from(decision.unlist);
    counts.withdrawn += i64::from(decision.withdraw);
}

/// When an import that can be undone began and ended.
fn times(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: ImportId,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), OutreachError> {
    let import = tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
    match (import.state, import.undo_until, import.ended_at) {
        (ImportState::Running, ..) => Err(OutreachError::ImportRunning),
        (ImportState::Undoing | ImportState::Undone, ..) => Err(OutreachError::ImportUndone),
        (_, Some(until), Some(ended_at)) if now <= until => Ok((import.created_at, ended_at)),
        _ => Err(OutreachError::UndoOver),
    }
}

/// What undoing an import would come to now. Changes nothing.
///
/// # Errors
/// When there is no such import, or it cannot be undone (any more).
pub async fn look(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ImportId,
) -> Result<UndoCounts, OutreachError> {
    let (now, mut after, mut counts) = (ctx.now(), None, UndoCounts::default());
    let (times, table_id) = store
        .read(move |tx| {
            let times = times(tx, workspace_id, id, now)?;
            let work = tx.import_work(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
            Ok::<_, OutreachError>((times, work.table_id))
        })
        .await?;
    if let Some(table_id) = table_id {
        let mut last = String::new();
        loop {
            let (from, so_far) = (last.clone(), counts);
            let page = store.read(move |tx| {
                let mut counts = so_far;
                let last = into_table::look(tx, (workspace_id, id), table_id, &from, COUNTED, &mut counts)?;
                Ok::<_, OutreachError>((counts, last))
            });
            let next;
            (counts, next) = page.await?;
            match next {
                Some(next) => last = next,
                None => return Ok(counts),
            }
        }
    }
    loop {
        let page = store
            .read(move |tx| {
                let work = tx.import_work(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
                Ok::<_, OutreachError>(tx.import_changes(workspace_id, id, after, work.list_id, times, COUNTED)?)
            })
            .await?;
        page.iter().for_each(|entry| count(&mut counts, &decide(entry)));
        match page.last() {
            Some(last) if page.len() as i64 == COUNTED => after = Some(last.change.contact_id),
            _ => return Ok(counts),
        }
    }
}

/// Begins to undo an import; the job does the rest.
///
/// # Errors
/// When there is no such import, or it cannot be undone (any more).
pub async fn begin(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ImportId,
) -> Result<ImportView, OutreachError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            times(tx, workspace_id, id, ctx.now())?;
            let import = tx.begin_undo(workspace_id, id, ctx.now())?.ok_or(OutreachError::ImportUndone)?;
            schedule(tx, &ctx, workspace_id, UNDO_IMPORT, id)?;
            Ok(import)
        })
        .await
}

/// Undoes an import that has begun to be undone, to its end. Running it again goes on where it was.
///
/// # Errors
/// When there is no such import or the store fails.
pub async fn run(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ImportId,
) -> Result<ImportView, OutreachError> {
    loop {
        let ctx = ctx.clone();
        if store.write_bulk(move |tx| step(tx, &ctx, workspace_id, id)).await? == Step::Ended {
            return super::get(store, workspace_id, id).await;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Step {
    More,
    Ended,
}

fn step(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, id: ImportId) -> Result<Step, OutreachError> {
    let now = ctx.now();
    tx.lock_consents(workspace_id)?;
    let work = tx.import_work(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
    let import = tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
    let (ImportState::Undoing, Some(ended_at)) = (work.state, work.ended_at) else { return Ok(Step::Ended) };
    let mut counts = import.undo.unwrap_or_default();
    if let Some(table_id) = work.table_id {
        if into_table::undo(tx, (workspace_id, id), table_id, (CHUNK, now), &mut counts)? {
            tx.advance_undo(workspace_id, id, None, &counts, now)?;
            return Ok(Step::More);
        }
        tx.end_undo(workspace_id, id, now)?;
        return Ok(Step::Ended);
    }
    let began_at = import.created_at;
    let page = tx.import_changes(workspace_id, id, work.undo_after, work.list_id, (began_at, ended_at), CHUNK)?;
    if page.iter().any(|entry| entry.change.fields.contains_key("phone")) {
        // A number that comes back may be a further one by now. Addresses come before contacts, as everywhere.
        tx.lock_addresses(workspace_id)?;
    }
    for entry in &page {
        let mut decision = decide(entry);
        let contact_id = entry.change.contact_id;
        match &decision.contact {
            Action::Remove => {
                tx.delete_contact_quietly(workspace_id, contact_id)?;
            }
            Action::Restore(fields) => match tx.update_contact_quietly(workspace_id, contact_id, fields, now)? {
                // The number or key that it had is another contact's now, so it keeps what it has.
                ContactChange::PhoneTaken | ContactChange::KeyTaken => decision.contact = Action::ChangedSince,
                ContactChange::Changed => let_go_of_number(tx, workspace_id, entry, fields)?,
                ContactChange::Missing => {}
            },
            Action::Keep => {
                if let Some(other) = entry.brought_besides {
                    tx.pass_created_on(workspace_id, other, contact_id)?;
                }
            }
            Action::Nothing | Action::ChangedSince => {}
        }
        if !entry.change.fields.is_empty() {
            tx.pass_values_on(workspace_id, &entry.later, &entry.change)?;
        }
        count(&mut counts, &decision);
        if let Some(list_id) = work.list_id {
            if decision.unlist {
                tx.remove_from_list(workspace_id, list_id, contact_id)?;
            } else if entry.change.listed
                && let Some(other) = entry.listed_besides
            {
                tx.pass_listed_on(workspace_id, other, contact_id)?;
            }
        }
        for address in &entry.change.opted_in {
            withdraw(tx, ctx, workspace_id, id, &work.actor, address)?;
        }
    }
    match page.last() {
        Some(last) => tx.advance_undo(workspace_id, id, Some(last.change.contact_id), &counts, now)?,
        None => {
            tx.end_undo(workspace_id, id, now)?;
            return Ok(Step::Ended);
        }
    };
    Ok(Step::More)
}

/// Takes the number from a contact that the import gave it, where one came back that was a further one meanwhile: the two
/// have changed places.
fn let_go_of_number(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    entry: &ChangeAndNow,
    restored: &ContactFields,
) -> Result<(), StoreError> {
    let gave = entry.contact.as_ref().and_then(|fields| fields.phone.as_ref());
    if let Some(gave) = gave.filter(|gave| restored.phone.as_ref() != Some(*gave)) {
        tx.delete_contact_address(workspace_id, entry.change.contact_id, AddressKind::Phone, gave.as_str())?;
    }
    Ok(())
}

/// Takes an opt-in back, as of the moment for which it was claimed: whatever was said elsewhere counts, before and after.
fn withdraw(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ImportId,
    actor: &str,
    address: &str,
) -> Result<(), OutreachError> {
    let Some(claimed_at) = tx.claimed_at(workspace_id, id, address)? else { return Ok(()) };
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address: address.to_owned(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Correct,
        method: ConsentMethod::ImportUndo,
        wording: None,
        proof: Some(proof_of_undo(id)),
        actor: actor.to_owned(),
        occurred_at: claimed_at,
    };
    tx.record_consent_quietly(workspace_id, &event, &ConsentExtent::default(), ctx)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use segue_model::ContactId;
    use segue_store::import_change::ImportChange;

    use super::*;

    fn entry(kind: ChangeKind) -> ChangeAndNow {
        let fields = ContactFields { first_name: Some("Ana".to_owned()), ..ContactFields::default() };
        let changes = ContactFields::default().changes_to(&fields);
        let change = ImportChange {
            contact_id: "con_00000000000000000000000001".parse::<ContactId>().unwrap(),
            kind,
            fields: changes,
            listed: true,
            opted_in: vec!["+15550100".to_owned()],
        };
        ChangeAndNow {
            change,
            contact: Some(fields),
            version: 1,
            is_used: false,
            spoke_since: false,
            brought_besides: None,
            listed_besides: None,
            later: Vec::new(),
        }
    }

    #[test]
    fn what_is_in_use_stays_and_what_was_changed_again_is_left_alone() {
        let created = entry(ChangeKind::Created);
        let expected = Decision { contact: Action::Remove, unlist: false, withdraw: true };
        assert_eq!(decide(&created), expected);
        for used in [ChangeAndNow { version: 2, ..created.clone() }, ChangeAndNow { is_used: true, ..created.clone() }]
        {
            assert_eq!(decide(&used), Decision { contact: Action::Keep, unlist: true, withdraw: true });
        }
        let spoke = ChangeAndNow { spoke_since: true, ..created.clone() };
        assert_eq!(decide(&spoke), Decision { contact: Action::Keep, unlist: true, withdraw: true });
        let other = "imp_00000000000000000000000002".parse::<ImportId>().ok();
        let besides = ChangeAndNow { brought_besides: other, listed_besides: other, ..created.clone() };
        assert_eq!(decide(&besides), Decision { contact: Action::Keep, unlist: false, withdraw: true });
        let gone = ChangeAndNow { contact: None, ..created };
        assert_eq!(decide(&gone), Decision { contact: Action::Nothing, unlist: false, withdraw: true });

        let updated = entry(ChangeKind::Updated);
        assert_eq!(decide(&updated).contact, Action::Restore(Box::default()));
        let changed = ContactFields { first_name: Some("Anna".to_owned()), ..ContactFields::default() };
        let again = ChangeAndNow { contact: Some(changed), ..updated };
        assert_eq!(decide(&again).contact, Action::ChangedSince);
        assert_eq!(decide(&entry(ChangeKind::Unchanged)).contact, Action::Nothing);
    }
}

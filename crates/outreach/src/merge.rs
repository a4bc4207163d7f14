//! Contacts that are one person: finding them, merging two, and taking a merge back.
//!
//! Consent is kept by address, and a merge writes nothing into the ledger. While two numbers are one contact's, a no at
//! one of them counts for both; after the merge is taken back each has what was said for it.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

use segue_model::{
    ContactId, Ctx, MergeId, Timestamp, WorkspaceId,
    actor::Actor,
    contact::{ContactFields, STANDARD_FIELDS},
    duplicate::{email_key, line_key, name_keys},
};
use segue_store::{
    Store, StoreError, Tx,
    contact_merge::{MergeView, NewMerge, Unmerged},
    duplicate::{DuplicateReason, DuplicateView, SearchView},
    job::NewJob,
};
use serde::Deserialize;

use crate::OutreachError;

/// Kind of the job that searches for duplicates.
pub const FIND_DUPLICATES: &str = "find_duplicates";
/// Contacts per read.
const CHUNK: i64 = 2_000;
/// Pairs that are kept of one search; who has so many is to merge some and search again.
const MOST_PAIRS: i64 = 10_000;

/// Which contact to dissolve into which.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeInput {
    /// The contact that stays.
    pub kept_id: ContactId,
    /// The contact that is dissolved into it.
    pub merged_id: ContactId,
    /// Fields and attributes whose value is taken from the dissolved contact. Of the others the kept contact's value
    /// stays, and where it has none, the other's is taken.
    #[serde(default)]
    pub take: Vec<String>,
}

impl MergeInput {
    /// Fields of the kept contact afterwards.
    fn fields(&self, kept: &ContactFields, merged: &ContactFields) -> ContactFields {
        let mut fields = kept.clone();
        let attributes = merged.attributes.keys().map(String::as_str);
        for name in STANDARD_FIELDS.iter().copied().chain(attributes) {
            let theirs = merged.field(name).filter(|text| !text.trim().is_empty());
            let is_wanted = self.take.iter().any(|taken| taken == name) || kept.field(name).is_none();
            if let (Some(text), true) = (theirs, is_wanted) {
                fields.set_field(name, Some(text.to_owned()));
            }
        }
        fields
    }
}

/// Merges two contacts.
///
/// # Errors
/// When they are one and the same or one of them does not exist.
pub async fn merge(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: MergeInput,
) -> Result<MergeView, OutreachError> {
    if input.kept_id == input.merged_id {
        return Err(OutreachError::invalid("merged_id", "Choose two different contacts."));
    }
    let (id, now, actor) = (ctx.id::<MergeId>(), ctx.now(), actor.reference());
    store
        .write(move |tx| {
            // Who writes contacts waits from here on, so that the fields are still those when they are written.
            tx.lock_addresses(workspace_id)?;
            let mut fields = |id| {
                let contact = tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
                Ok::<_, OutreachError>(contact.fields())
            };
            let (kept, merged) = (fields(input.kept_id)?, fields(input.merged_id)?);
            let merge = NewMerge {
                id,
                kept_id: input.kept_id,
                merged_id: input.merged_id,
                fields: input.fields(&kept, &merged),
                actor: actor.clone(),
            };
            tx.merge_contacts(workspace_id, &merge, now)?.ok_or(OutreachError::NotFound("contact"))
        })
        .await
}

/// Takes a merge back.
///
/// # Errors
/// When there is no such merge, it was taken back already, or what came later stands in its way.
pub async fn unmerge(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: MergeId,
) -> Result<MergeView, OutreachError> {
    let (now, actor) = (ctx.now(), actor.reference());
    store
        .write(move |tx| {
            let merge = tx.merge(workspace_id, id)?.ok_or(OutreachError::NotFound("merge"))?;
            let record = tx.merge_record(workspace_id, id)?.ok_or(OutreachError::NotFound("merge"))?;
            match tx.unmerge_contacts(workspace_id, &merge, &record, &actor, now)? {
                Unmerged::Done => tx.merge(workspace_id, id)?.ok_or(OutreachError::NotFound("merge")),
                Unmerged::Already => Err(OutreachError::Unmerged),
                Unmerged::KeptIsGone => Err(OutreachError::KeptContactGone),
                Unmerged::AddressTaken => Err(OutreachError::AddressTaken),
            }
        })
        .await
}

/// Merges, newest first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<MergeId>,
    limit: i64,
) -> Result<Vec<MergeView>, OutreachError> {
    store.read(move |tx| Ok(tx.merges(workspace_id, before, limit)?)).await
}

/// Pairs that may be one person and that nobody has settled.
///
/// # Errors
/// When the store fails.
pub async fn duplicates(
    store: &Store,
    workspace_id: WorkspaceId,
    after: Option<(ContactId, ContactId)>,
    limit: i64,
) -> Result<Vec<DuplicateView>, OutreachError> {
    store.read(move |tx| Ok(tx.duplicates(workspace_id, after, limit)?)).await
}

/// Somebody says that two contacts are two persons; the pair is not shown again.
///
/// # Errors
/// When the two are no open pair.
pub async fn dismiss(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    pair: (ContactId, ContactId),
) -> Result<(), OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            let dismissed = tx.dismiss_duplicate(workspace_id, pair, now)?;
            dismissed.then_some(()).ok_or(OutreachError::NotFound("pair of duplicates"))
        })
        .await
}

/// The last search for duplicates, if there ever was one.
///
/// # Errors
/// When the store fails.
pub async fn last_search(store: &Store, workspace_id: WorkspaceId) -> Result<Option<SearchView>, OutreachError> {
    store.read(move |tx| Ok(tx.duplicate_search(workspace_id)?)).await
}

/// Begins a search for duplicates; a job does it. One that is running goes on.
///
/// # Errors
/// When the store fails.
pub async fn begin_search(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<SearchView, OutreachError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let now = ctx.now();
            let is_new = tx.begin_duplicate_search(workspace_id, now)?;
            let search = tx.duplicate_search(workspace_id)?.ok_or(OutreachError::NotFound("search"))?;
            if is_new {
                let job = NewJob {
                    id: ctx.id(),
                    kind: FIND_DUPLICATES,
                    dedupe_key: search.number.to_string(),
                    payload: serde_json::json!({ "number": search.number }),
                    run_at: now,
                };
                tx.schedule(workspace_id, &job, now)?;
            }
            Ok(search)
        })
        .await
}

/// Contacts by the hash of what they may have in common with others.
type Seen = HashMap<u64, ContactId>;

/// Does a search for duplicates to its end. Doing it again finds the same pairs; so a crash at any point is safe.
///
/// All contacts are read once for each reason, and of each only a hash and its id are kept: 24 bytes a contact. A hash
/// that two have by chance is found out when their keys are compared.
///
/// # Errors
/// When the store fails.
pub async fn search(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, number: i64) -> Result<(), OutreachError> {
    let (mut scanned, mut found) = (0_i64, 0_i64);
    for reason in [DuplicateReason::SameLine, DuplicateReason::SameEmail, DuplicateReason::SameName] {
        let mut seen = Seen::new();
        let mut after = None;
        loop {
            let page =
                store.read(move |tx| Ok::<_, OutreachError>(tx.contacts_after(workspace_id, after, CHUNK)?)).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            if reason == DuplicateReason::SameLine {
                scanned += page.len() as i64;
            }
            let pairs = pairs_of(&mut seen, reason, &page);
            let now = ctx.now();
            found = store
                .write_bulk(move |tx| note_pairs(tx, workspace_id, reason, &pairs, (number, scanned, found), now))
                .await?;
            if found >= MOST_PAIRS {
                break;
            }
        }
    }
    let now = ctx.now();
    store.write(move |tx| Ok::<_, OutreachError>(tx.end_duplicate_search(workspace_id, number, now)?)).await
}

fn keys(reason: DuplicateReason, fields: &ContactFields) -> Vec<String> {
    match reason {
        DuplicateReason::SameLine => line_key(fields).into_iter().collect(),
        DuplicateReason::SameEmail => email_key(fields).into_iter().collect(),
        DuplicateReason::SameName => name_keys(fields),
    }
}

fn pairs_of(
    seen: &mut Seen,
    reason: DuplicateReason,
    page: &[(ContactId, ContactFields)],
) -> Vec<(ContactId, ContactId)> {
    // The same in every process, so that a search that is taken up again finds the same.
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut pairs = Vec::new();
    for (id, fields) in page {
        for key in keys(reason, fields) {
            match seen.entry(hasher.hash_one(&key)) {
                Entry::Occupied(first) if first.get() != id => pairs.push((*first.get(), *id)),
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => {
                    place.insert(*id);
                }
            }
        }
    }
    pairs
}

fn note_pairs(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    reason: DuplicateReason,
    pairs: &[(ContactId, ContactId)],
    (number, scanned, mut found): (i64, i64, i64),
    now: Timestamp,
) -> Result<i64, StoreError> {
    for (first, second) in pairs {
        let (Some(one), Some(other)) = (tx.contact(workspace_id, *first)?, tx.contact(workspace_id, *second)?) else {
            continue;
        };
        let shared = keys(reason, &other.fields());
        if !keys(reason, &one.fields()).iter().any(|key| shared.contains(key)) {
            continue;
        }
        tx.insert_duplicate(workspace_id, (*first, *second), reason, now)?;
        found += 1;
    }
    tx.advance_duplicate_search(workspace_id, number, scanned, found)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_contacts_values_stay_and_its_gaps_are_filled() {
        let contact = |first: &str, email: Option<&str>, pairs: &[(&str, &str)]| ContactFields {
            first_name: Some(first.to_owned()),
            email: email.map(str::to_owned),
            attributes: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..ContactFields::default()
        };
        let kept = contact("Ana", None, &[("city", "Rome")]);
        let merged = contact("Anna", Some("a@example.com"), &[("city", "Oslo"), ("shoe", "38")]);
        let id = |text: &str| text.parse::<ContactId>().unwrap();
        let input = |take: &[&str]| MergeInput {
            kept_id: id("con_00000000000000000000000001"),
            merged_id: id("con_00000000000000000000000002"),
            take: take.iter().map(|name| (*name).to_owned()).collect(),
        };
        let filled = contact("Ana", Some("a@example.com"), &[("city", "Rome"), ("shoe", "38")]);
        assert_eq!(input(&[]).fields(&kept, &merged), filled);
        let chosen = contact("Anna", Some("a@example.com"), &[("city", "Oslo"), ("shoe", "38")]);
        assert_eq!(input(&["first_name", "city"]).fields(&kept, &merged), chosen);
    }
}

//! Writing one chunk of rows.

use segue_model::{
    ContactId, Ctx, ImportId, PhoneNumber, Timestamp,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose},
    contact::{FieldChanges, MOST_ATTRIBUTES},
};
use segue_store::{
    StoreError, Tx,
    consent::{ConsentExtent, NewConsentEvent},
    contact_upsert::Upserted,
    import::{ImportCounts, ImportError, ImportMode, ImportView, UndoableImport},
    import_change::{ChangeKind, ImportChange},
};

use super::{
    Claim, Job, into_table,
    row::{Evidence, Parsed, ParsedRow, Refusal, Says},
};
use crate::OutreachError;

/// The row under which the names of the columns are kept, as in the file.
pub(super) const HEADER_ROW: i64 = 1;

/// How many imports that can still be undone claim the same opt-in. A file that is imported every day would add an entry to
/// the ledger each time, for each of its rows.
const MOST_CLAIMS: usize = 3;

/// What became of a row's consent.
enum Consent {
    Nothing,
    /// An opt-in stands; `added` when this row brought it.
    OptedIn {
        added: bool,
    },
    OptedOut,
    /// The person had opted out; nothing was changed.
    KeptOut,
    /// What the file speaks of has ended, or a person has to look first at what may be a no; nothing was changed.
    HeldBack,
    WithoutEvidence,
}

/// What the rows of a chunk came to.
#[derive(Default)]
pub(super) struct Applied {
    counts: ImportCounts,
    /// Numbers of rows that do not fit what is known, with why.
    refused: Vec<(i64, Refusal)>,
}

/// Why a chunk was not written.
pub(super) enum ChunkError {
    /// It is a dry run: what was written is taken back, and this is what it came to.
    Rehearsed(Box<Applied>),
    Failed(OutreachError),
}

impl From<StoreError> for ChunkError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<OutreachError> for ChunkError {
    fn from(error: OutreachError) -> Self {
        Self::Failed(error)
    }
}

/// Stores a chunk: contacts, list, consent, what was changed, refused rows and counts. `None` when another worker has
/// done this chunk or the import was ended.
///
/// A dry run goes the same way and fails at its end with what it came to, so that nothing of it stays;
/// [`write_rehearsed`] then stores its counts.
pub(super) fn write_chunk(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    job: &Job,
    number: i64,
    rows: &[Parsed],
) -> Result<Option<ImportView>, ChunkError> {
    if !tx.take_import_chunk(job.workspace_id, job.import_id, number, ctx.now())? {
        return Ok(None);
    }
    let done = apply(tx, ctx, job, rows)?;
    if job.mode == ImportMode::DryRun {
        return Err(ChunkError::Rehearsed(Box::new(done)));
    }
    finish(tx, job, rows, &done, ctx.now()).map_err(ChunkError::from)
}

/// Stores what a chunk of a dry run came to.
pub(super) fn write_rehearsed(
    tx: &mut Tx<'_>,
    job: &Job,
    number: i64,
    rows: &[Parsed],
    done: &Applied,
    now: Timestamp,
) -> Result<Option<ImportView>, OutreachError> {
    if !tx.take_import_chunk(job.workspace_id, job.import_id, number, now)? {
        return Ok(None);
    }
    Ok(finish(tx, job, rows, done, now)?)
}

fn finish(
    tx: &mut Tx<'_>,
    job: &Job,
    rows: &[Parsed],
    done: &Applied,
    now: Timestamp,
) -> Result<Option<ImportView>, StoreError> {
    let why = |row: &ParsedRow| done.refused.iter().find(|(number, _)| *number == row.number);
    let refused = rows.iter().filter_map(|parsed| match parsed {
        Parsed::Row(row) => why(row).map(|(number, refusal)| (number, refusal, &row.cells)),
        Parsed::OfTable(_) => None,
        Parsed::Refused { number, refusal, cells, .. } => Some((number, refusal, cells)),
    });
    for (index, (number, refusal, cells)) in refused.enumerate() {
        if index == 0 {
            let names = ImportError {
                row_number: HEADER_ROW,
                code: "header",
                message: String::new(),
                fields: job.header.clone(),
            };
            tx.insert_import_error(job.workspace_id, job.import_id, &names)?;
        }
        let error = ImportError {
            row_number: *number,
            code: refusal.code,
            message: refusal.message.clone(),
            fields: cells.clone(),
        };
        tx.insert_import_error(job.workspace_id, job.import_id, &error)?;
    }
    tx.add_import_counts(job.workspace_id, job.import_id, &done.counts, now)
}

/// Writes the rows and counts what they came to.
fn apply(tx: &mut Tx<'_>, ctx: &Ctx, job: &Job, parsed: &[Parsed]) -> Result<Applied, OutreachError> {
    let mut done = Applied::default();
    let mut rows: Vec<&ParsedRow> = Vec::new();
    let mut patches = Vec::new();
    let mut outs = Vec::new();
    for parsed in parsed {
        done.counts.rows_read += 1;
        match parsed {
            Parsed::Row(row) => rows.push(row),
            Parsed::OfTable(patch) => patches.push(patch.clone()),
            Parsed::Refused { number, refusal, out, .. } => {
                done.reject(refusal.code);
                outs.extend(out.as_ref().map(|phone| (phone, *number)));
            }
        }
    }
    if let Some(table_id) = job.table_id {
        into_table::write(tx, job, table_id, &patches, &mut done.counts, ctx.now())?;
        return Ok(done);
    }
    // One order for all imports, so that two of them cannot wait for each other's contacts.
    rows.sort_by(|a, b| a.phone.cmp(&b.phone));
    // A number that somebody gets who is known by a key may change what the person's consents amount to.
    if !outs.is_empty() || rows.iter().any(|row| row.says != Says::Nothing || row.fields.external_key.is_some()) {
        tx.lock_consents(job.workspace_id)?;
    }
    tx.hold_addresses(job.workspace_id)?;
    // After the locks: one that begins to be undone from here on waits for this chunk.
    let mut others = Vec::new();
    if rows.iter().any(|row| matches!(row.says, Says::Yes(_))) {
        others.extend(undoable_besides(tx, job, ctx.now())?.into_iter().map(|other| other.id));
    }
    let mut found = Vec::new();
    for row in rows {
        found.extend(apply_row(tx, ctx, job, (row, &others), &mut done)?);
    }
    note_found(tx, job, &found, ctx.now())?;
    // After the rows that are taken: a no in the same file counts, whatever another row says.
    for out in outs {
        done.count_out(opt_out(tx, ctx, job, out)?);
    }
    Ok(done)
}

impl Applied {
    fn reject(&mut self, code: &'static str) {
        self.counts.rejected += 1;
        *self.counts.rejections.entry(code).or_default() += 1;
    }

    /// Counts the no of a row that was refused.
    fn count_out(&mut self, consent: Consent) {
        self.counts.opted_out += i64::from(matches!(consent, Consent::OptedOut));
    }
}

/// Why a row was not written.
fn refusal(upserted: Upserted) -> Refusal {
    match upserted {
        Upserted::Full { has, would } => Refusal::new(
            "too_many_attributes",
            format!(
                "With this row the contact would have {would} attributes; it has {has}, and at most {MOST_ATTRIBUTES} can be. \
                 Clear some that it has, or leave columns out."
            ),
        ),
        _ => Refusal::new(
            "key_conflict",
            "The external key and the phone number are those of two contacts, or the contact with this number has another \
             key. Merge the two contacts, or correct the row.",
        ),
    }
}

/// The other imports that may still be undone.
fn undoable_besides(tx: &mut Tx<'_>, job: &Job, now: Timestamp) -> Result<Vec<UndoableImport>, StoreError> {
    let mut others = tx.undoable_imports(job.workspace_id, now)?;
    others.retain(|other| other.id != job.import_id);
    Ok(others)
}

/// Notes contacts that rows found as they say, where another import that may still be undone brought them or put them on the
/// same list: they stay then. Of the others nothing is kept, or a file that is imported every day would add all its rows each
/// time.
fn note_found(tx: &mut Tx<'_>, job: &Job, found: &[ContactId], now: Timestamp) -> Result<(), StoreError> {
    if found.is_empty() {
        return Ok(());
    }
    let others = undoable_besides(tx, job, now)?;
    for contact_id in tx.brought_by(job.workspace_id, &others, job.list_id, found)? {
        let change = ImportChange {
            contact_id,
            kind: ChangeKind::Unchanged,
            fields: FieldChanges::default(),
            listed: false,
            opted_in: Vec::new(),
        };
        tx.insert_import_change(job.workspace_id, job.import_id, &change)?;
    }
    Ok(())
}

/// Writes one row. `others` are the other imports whose claims may still be taken back. Gives the contact where all was as
/// the row says.
fn apply_row(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    job: &Job,
    (row, others): (&ParsedRow, &[ImportId]),
    done: &mut Applied,
) -> Result<Option<ContactId>, OutreachError> {
    let now = ctx.now();
    let (upserted, fields) =
        tx.upsert_contact_with_changes(job.workspace_id, ctx.id::<ContactId>(), &row.fields, now)?;
    let Some(contact_id) = upserted.id() else {
        let why = refusal(upserted);
        done.reject(why.code);
        done.refused.push((row.number, why));
        if row.says == Says::No {
            done.count_out(opt_out(tx, ctx, job, (&row.phone, row.number))?);
        }
        return Ok(None);
    };
    let counts = &mut done.counts;
    let kind = match upserted {
        Upserted::Created(_) => {
            counts.created += 1;
            ChangeKind::Created
        }
        Upserted::Updated(_) => {
            counts.updated += 1;
            ChangeKind::Updated
        }
        Upserted::Unchanged(_) | Upserted::Ambiguous | Upserted::Full { .. } => {
            counts.unchanged += 1;
            ChangeKind::Unchanged
        }
    };
    let listed = match job.list_id {
        Some(list_id) => tx.add_to_list(job.workspace_id, list_id, contact_id, now)?,
        None => false,
    };
    let mut opted_in = Vec::new();
    match consent(tx, ctx, job, (row, others))? {
        Consent::Nothing => {}
        Consent::OptedIn { added } => {
            counts.opted_in += 1;
            opted_in.extend(added.then(|| row.phone.to_string()));
        }
        Consent::OptedOut => counts.opted_out += 1,
        Consent::KeptOut => counts.kept_out += 1,
        Consent::HeldBack => counts.held_back += 1,
        Consent::WithoutEvidence => counts.without_evidence += 1,
    }
    if kind == ChangeKind::Unchanged && !listed && opted_in.is_empty() {
        return Ok(Some(contact_id));
    }
    let change = ImportChange { contact_id, kind, fields, listed, opted_in };
    tx.insert_import_change(job.workspace_id, job.import_id, &change)?;
    Ok(None)
}

fn consent(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    job: &Job,
    (row, others): (&ParsedRow, &[ImportId]),
) -> Result<Consent, OutreachError> {
    match &row.says {
        Says::Nothing => Ok(Consent::Nothing),
        Says::No => opt_out(tx, ctx, job, (&row.phone, row.number)),
        Says::Yes(evidence) => opt_in(tx, ctx, job, (row, others), evidence),
    }
}

/// A no is taken from anybody, and counts for every writing of the line.
fn opt_out(tx: &mut Tx<'_>, ctx: &Ctx, job: &Job, (phone, row): (&PhoneNumber, i64)) -> Result<Consent, OutreachError> {
    let mut said = Consent::Nothing;
    for writing in phone.writings() {
        if let out @ Consent::OptedOut = opt_out_of(tx, ctx, job, (&writing, row))? {
            said = out;
        }
    }
    Ok(said)
}

fn opt_out_of(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    job: &Job,
    (phone, row): (&PhoneNumber, i64),
) -> Result<Consent, OutreachError> {
    let address = phone.as_str();
    let known = tx.consent_state(job.workspace_id, Medium::Sms, address, Purpose::Marketing)?;
    let said_no = known.state == ConsentState::Revoked
        && tx.said_no(job.workspace_id, Medium::Sms, address, Purpose::Marketing)?;
    if said_no {
        // It may read so for what was said at another number of the person: this one's own no stays when they part.
        let own = tx.own_consent_without(job.workspace_id, Medium::Sms, address, Purpose::Marketing, &[])?;
        if own.consent.state == ConsentState::Revoked {
            return Ok(Consent::Nothing);
        }
    }
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address: address.to_owned(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Revoke,
        method: ConsentMethod::Import,
        wording: None,
        proof: Some(place(job, row)),
        actor: job.actor.clone(),
        occurred_at: ctx.now(),
    };
    tx.record_consent_quietly(job.workspace_id, &event, &ConsentExtent::default(), ctx)?;
    Ok(Consent::OptedOut)
}

/// A yes counts with evidence, and never for somebody who said no: only they themselves can come back.
fn opt_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    job: &Job,
    (row, others): (&ParsedRow, &[ImportId]),
    evidence: &Evidence,
) -> Result<Consent, OutreachError> {
    let Claim { method, wording, proof } = &job.claim;
    let wording = evidence.wording.as_ref().or(wording.as_ref());
    let proof = evidence.proof.as_ref().or(proof.as_ref());
    let (Some(method), true) = (method, wording.is_some() || proof.is_some()) else {
        return Ok(Consent::WithoutEvidence);
    };
    let (workspace_id, address) = (job.workspace_id, row.phone.as_str());
    let occurred_at = evidence.given_at.unwrap_or_else(|| ctx.now());
    if evidence.expires_at.is_some_and(|end| end <= ctx.now()) {
        return Ok(Consent::HeldBack);
    }
    let known = tx.consent_state(workspace_id, Medium::Sms, address, Purpose::Marketing)?;
    let is_as_long = |end: Option<Timestamp>| end.is_none_or(|end| evidence.expires_at.is_some_and(|new| new <= end));
    match known.state {
        // Imported before, or given elsewhere: the ledger has it, for as long as the row says.
        ConsentState::Granted if is_as_long(known.expires_at) => {
            let without = tx.own_consent_without(workspace_id, Medium::Sms, address, Purpose::Marketing, others)?;
            // What stands on imports alone that may be undone goes with them, so this one claims it as well.
            let stands = without.consent.state == ConsentState::Granted && is_as_long(without.consent.expires_at);
            let claims = without.claimed_until.into_iter().filter(|end| is_as_long(*end)).count();
            if stands || claims >= MOST_CLAIMS {
                return Ok(Consent::OptedIn { added: false });
            }
        }
        ConsentState::Revoked => return Ok(Consent::KeptOut),
        ConsentState::InReview => return Ok(Consent::HeldBack),
        // What was given before the end of the last one is over with it.
        ConsentState::Expired if evidence.given_at.is_some_and(|at| Some(at) <= known.since) => {
            return Ok(Consent::HeldBack);
        }
        // Renewed.
        ConsentState::Granted | ConsentState::Expired | ConsentState::None => {}
    }
    let place = place(job, row.number);
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address: address.to_owned(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Grant,
        method: *method,
        wording: wording.cloned(),
        proof: Some(proof.map_or_else(|| place.clone(), |proof| format!("{proof} ({place})"))),
        actor: job.actor.clone(),
        occurred_at,
    };
    let extent = ConsentExtent { expires_at: evidence.expires_at, ..ConsentExtent::default() };
    tx.record_consent_quietly(workspace_id, &event, &extent, ctx)?;
    Ok(Consent::OptedIn { added: true })
}

/// Where in which import a statement stands.
fn place(job: &Job, row: i64) -> String {
    format!("{} row {row}", job.import_id)
}

//! Writing one chunk of rows.

use segue_model::{
    ContactId, Ctx,
    consent::{ConsentAction, ConsentState, Medium, Purpose},
};
use segue_store::{
    Tx,
    consent::NewConsentEvent,
    contact::Upserted,
    import::{ImportCounts, ImportError},
};

use super::{
    Claim, Job, Written,
    row::{Parsed, ParsedRow, Says},
};
use crate::OutreachError;

/// The row under which the names of the columns are kept, as in the file.
pub(super) const HEADER_ROW: i64 = 1;

/// What became of a row's consent.
enum Consent {
    NotClaimed,
    Granted,
    /// The person had opted out; nothing was changed.
    KeptOut,
}

/// Stores a chunk: contacts, list, consent, refused rows and counts.
pub(super) fn write_chunk(tx: &mut Tx<'_>, ctx: &Ctx, job: &Job, chunk: &[Parsed]) -> Result<Written, OutreachError> {
    let now = ctx.now();
    let mut counts = ImportCounts::default();
    let mut kept_out = 0;
    let mut header = None;
    // One order for all imports, so that two of them cannot wait for each other's contacts.
    let mut rows: Vec<&ParsedRow> = Vec::with_capacity(chunk.len());
    for parsed in chunk {
        match parsed {
            Parsed::Header(cells) => header = Some(cells),
            Parsed::Row(row) => rows.push(row),
            Parsed::Refused { number, message, cells } => {
                counts.rows_read += 1;
                counts.rejected += 1;
                if let Some(cells) = header.take() {
                    let names = ImportError { row_number: HEADER_ROW, message: String::new(), fields: cells.clone() };
                    tx.insert_import_error(job.workspace_id, job.import_id, &names)?;
                }
                let error = ImportError { row_number: *number, message: message.clone(), fields: cells.clone() };
                tx.insert_import_error(job.workspace_id, job.import_id, &error)?;
            }
        }
    }
    rows.sort_by(|a, b| a.phone.cmp(&b.phone));
    if job.claim.is_some() {
        tx.lock_consents(job.workspace_id)?;
    }
    for row in rows {
        counts.rows_read += 1;
        let upserted = tx.upsert_contact(job.workspace_id, ctx.id::<ContactId>(), &row.fields, now)?;
        match upserted {
            Upserted::Created(_) => counts.created += 1,
            Upserted::Updated(_) => counts.updated += 1,
            Upserted::Unchanged(_) => {}
        }
        if let Some(list_id) = job.list_id {
            tx.add_to_list(job.workspace_id, list_id, upserted.id(), now)?;
        }
        match claim_consent(tx, ctx, job, row)? {
            Consent::NotClaimed => {}
            Consent::Granted => counts.opted_in += 1,
            Consent::KeptOut => kept_out += 1,
        }
    }
    Written::new(job.add_counts(tx, &counts, now)?, kept_out)
}

fn claim_consent(tx: &mut Tx<'_>, ctx: &Ctx, job: &Job, row: &ParsedRow) -> Result<Consent, OutreachError> {
    let Some(Claim { method, wording, proof }) = &job.claim else { return Ok(Consent::NotClaimed) };
    if row.says == Says::Nothing {
        return Ok(Consent::NotClaimed);
    }
    let address = row.phone.as_str();
    let known = tx.consent_state(job.workspace_id, Medium::Sms, address, Purpose::Marketing)?;
    match known.state {
        ConsentState::Revoked => return Ok(Consent::KeptOut),
        // Imported before, or given elsewhere: the ledger has it.
        ConsentState::Granted => return Ok(Consent::Granted),
        ConsentState::None => {}
    }
    let place = format!("{} row {}", job.import_id, row.number);
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address: address.to_owned(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Grant,
        method: *method,
        wording: wording.clone(),
        proof: Some(proof.as_ref().map_or_else(|| place.clone(), |proof| format!("{proof} ({place})"))),
        actor: job.actor.clone(),
        occurred_at: ctx.now(),
    };
    tx.record_consent_quietly(job.workspace_id, &event, ctx)?;
    Ok(Consent::Granted)
}

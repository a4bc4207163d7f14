//! Imports of contacts from CSV files.
//!
//! The file is read row by row on a thread of its own and written in chunks of [`CHUNK`] rows, one transaction each; the
//! thread waits when two chunks are unwritten, so memory does not grow with the file. Every row is merged by its phone
//! number and every count is added in the chunk's transaction, so a crash leaves whole chunks, and importing the same
//! file again completes it: rows that are there already change nothing.
//!
//! Consent: an import opts people in only when it says how the consent was given and shows the wording or another proof;
//! otherwise contacts come without opt-in and the result says so. Who has ever opted out stays out, whatever a file says.

mod errors;
mod mapping;
mod preview;
mod reader;
mod row;
mod write;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use segue_model::{Ctx, ImportId, ListId, Timestamp, WorkspaceId, actor::Actor, consent::ConsentMethod, time};
use segue_store::{
    Store, StoreError, Tx,
    import::{ImportCounts, ImportState, ImportView},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use errors::{errors_csv, guarded_cell};
pub use preview::{ColumnPreview, ImportPreview, preview};

use crate::{OutreachError, contacts::clean};
use mapping::Mapping;
use reader::Table;
use row::{Parsed, ParsedRow, RowReader};

/// Rows per transaction.
pub const CHUNK: usize = 1_000;
/// A running import without progress for this long is taken to have died with its process.
pub const INTERRUPTED_AFTER: i64 = 10 * time::MINUTE;

/// How a file is to be imported.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// The list that every contact is put on; it is made when there is none of this name.
    pub list_name: Option<String>,
    /// The list that every contact is put on. Goes before `list_name`.
    pub list_id: Option<ListId>,
    /// Field by column: a standard field, or the name of an attribute. Columns that are not named are left out.
    pub mapping: BTreeMap<String, String>,
    /// ISO 3166 code for numbers without a country code; the workspace's when empty.
    pub default_country: String,
    pub consent: Option<ImportConsent>,
}

/// The consent that a file's rows claim.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportConsent {
    /// Column that says yes or no per row; every row says yes when there is none.
    pub column: Option<String>,
    /// The words people agreed to.
    pub wording: Option<String>,
    /// How they agreed.
    pub method: Option<String>,
    /// Where the proof is.
    pub proof: Option<String>,
}

/// A consent claim that can count: with a method, and with wording or proof.
#[derive(Debug, Clone)]
struct Claim {
    method: ConsentMethod,
    wording: Option<String>,
    proof: Option<String>,
}

/// What the transactions of an import need to know.
struct Job {
    workspace_id: WorkspaceId,
    import_id: ImportId,
    list_id: Option<ListId>,
    actor: String,
    claim: Option<Claim>,
}

fn claim_of(consent: Option<&ImportConsent>) -> Result<Option<Claim>, OutreachError> {
    let Some(consent) = consent else { return Ok(None) };
    let said = |text: &Option<String>| text.as_deref().and_then(|text| clean(text, 2_000));
    let method = said(&consent.method)
        .map(|word| ConsentMethod::parse(&word))
        .transpose()
        .map_err(|_| OutreachError::invalid("consent", "This way of giving consent is not known."))?;
    let (wording, proof) = (said(&consent.wording), said(&consent.proof));
    Ok(match method {
        Some(method) if wording.is_some() || proof.is_some() => Some(Claim { method, wording, proof }),
        _ => None,
    })
}

/// Makes the import's record and its list. What follows is [`run`], at once or in a task of its own.
///
/// # Errors
/// When the options are not valid: no phone column, an unknown list, an unknown way of giving consent.
pub async fn begin(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    file_name: &str,
    options: &ImportOptions,
) -> Result<ImportView, OutreachError> {
    claim_of(options.consent.as_ref())?;
    mapping::check(&options.mapping)?;
    let (import_id, fresh_list, now) = (ctx.id::<ImportId>(), ctx.id::<ListId>(), ctx.now());
    let file_name = clean(file_name, 200).unwrap_or_else(|| "contacts.csv".to_owned());
    let (list_id, actor) = (options.list_id, actor.reference());
    let list_name = options.list_name.as_deref().and_then(|name| clean(name, 300));
    store
        .write(move |tx| {
            let list_id = match (list_id, &list_name) {
                (Some(id), _) => {
                    let list = tx.list(workspace_id, id)?;
                    Some(list.ok_or_else(|| OutreachError::invalid("list_id", "There is no such list."))?.id)
                }
                (None, Some(name)) => {
                    tx.insert_list(workspace_id, fresh_list, name, now)?;
                    tx.list_by_name(workspace_id, name)?.map(|list| list.id)
                }
                (None, None) => None,
            };
            tx.insert_import(workspace_id, import_id, &file_name, list_id, &actor, now)?;
            tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import"))
        })
        .await
}

/// An import that has begun and its file.
#[derive(Debug, Clone)]
pub struct ImportTask {
    pub workspace_id: WorkspaceId,
    pub import_id: ImportId,
    pub actor: Actor,
    pub path: PathBuf,
    pub options: ImportOptions,
}

/// Imports the file and gives the result; `on_progress` is called after every chunk. A file that cannot be read to its
/// end gives a `failed` import with the reason, and its rows up to there stay.
///
/// # Errors
/// When there is no such import or the store fails.
pub async fn run(
    store: &Store,
    ctx: &Ctx,
    task: &ImportTask,
    mut on_progress: impl FnMut(&ImportView),
) -> Result<ImportView, OutreachError> {
    let ImportTask { workspace_id, import_id, actor, path, options } = task;
    let (workspace_id, import_id) = (*workspace_id, *import_id);
    let (import, workspace) = store
        .read(move |tx| {
            let import = tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import"))?;
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            Ok::<_, OutreachError>((import, workspace))
        })
        .await?;
    if import.state != ImportState::Running {
        return Ok(import);
    }
    let country = clean(&options.default_country, 2).unwrap_or(workspace.country);
    let claim = claim_of(options.consent.as_ref())?;
    let claims_without_evidence = options.consent.is_some() && claim.is_none();
    let job = Arc::new(Job { workspace_id, import_id, list_id: import.list_id, actor: actor.reference(), claim });
    let (sender, mut chunks) = mpsc::channel(2);
    let reading = {
        let (path, options) = (path.clone(), options.clone());
        tokio::task::spawn_blocking(move || read_file(&path, &options, country, &sender))
    };
    let mut kept_out = 0;
    while let Some(chunk) = chunks.recv().await {
        let (job, ctx, chunk) = (Arc::clone(&job), ctx.clone(), Arc::new(chunk));
        let written = store.write_bulk(move |tx| write::write_chunk(tx, &ctx, &job, &chunk)).await?;
        kept_out += written.kept_out;
        on_progress(&written.import);
    }
    drop(chunks);
    let read = match reading.await {
        Ok(read) => read,
        Err(panic) => Err(OutreachError::File(format!("reading it failed unexpectedly ({panic})"))),
    };
    let (state, detail) = match read {
        Ok(()) => (ImportState::Done, note(claims_without_evidence, kept_out)),
        Err(error) => (ImportState::Failed, Some(error.to_string())),
    };
    let now = ctx.now();
    let ended = store
        .write(move |tx| {
            let ended = tx.end_import(workspace_id, import_id, state, detail.as_deref(), now)?;
            match ended {
                Some(import) => Ok(import),
                None => tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import")),
            }
        })
        .await?;
    on_progress(&ended);
    Ok(ended)
}

/// What a person should know of the result.
fn note(claims_without_evidence: bool, kept_out: i64) -> Option<String> {
    let mut notes = Vec::new();
    if claims_without_evidence {
        notes.push(
            "Imported without opt-in: say how the consent was given, and give its wording or another proof.".to_owned(),
        );
    }
    if kept_out > 0 {
        notes.push(format!("{kept_out} had opted out and stay opted out."));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// Rows of one transaction.
type Chunk = Vec<Parsed>;

/// Reads the file and hands its rows on in chunks. Ends early when nobody takes them any more.
fn read_file(
    path: &Path,
    options: &ImportOptions,
    country: String,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<(), OutreachError> {
    let mut table = Table::open(path)?;
    let consent_column = options.consent.as_ref().and_then(|consent| consent.column.as_deref());
    let mapping = Mapping::new(table.header(), &options.mapping, consent_column)?;
    let mut rows = RowReader::new(mapping, country);
    let mut seen: HashMap<u64, i64> = HashMap::new();
    let mut chunk = vec![Parsed::Header(table.header().to_vec())];
    while let Some(record) = table.next_row()? {
        let mut parsed = rows.read(&record);
        if let Parsed::Row(row) = &parsed
            && let Some(first) = first_seen(&mut seen, row)
        {
            parsed = Parsed::Refused {
                number: record.number,
                message: format!("This phone number stands in row {first} already."),
                cells: record.cells.clone(),
            };
        }
        chunk.push(parsed);
        if chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut chunk, vec![Parsed::Header(table.header().to_vec())]);
            if chunks.blocking_send(full).is_err() {
                return Ok(());
            }
        }
    }
    if chunk.len() > 1 && chunks.blocking_send(chunk).is_err() {
        return Ok(());
    }
    Ok(())
}

/// The row that had this row's phone number before.
fn first_seen(seen: &mut HashMap<u64, i64>, row: &ParsedRow) -> Option<i64> {
    // E.164 has at most 15 digits, which fit.
    let digits: u64 = row.phone.digits().parse().ok()?;
    match seen.entry(digits) {
        std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(row.number);
            None
        }
    }
}

/// One import.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: ImportId) -> Result<ImportView, OutreachError> {
    store.read(move |tx| tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))).await
}

/// Imports, newest first, from before `before` on.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<ImportId>,
    limit: i64,
) -> Result<Vec<ImportView>, OutreachError> {
    store.read(move |tx| Ok(tx.imports(workspace_id, before, limit)?)).await
}

/// Ends imports whose process died.
pub(crate) fn end_interrupted(tx: &mut Tx<'_>, workspace_id: WorkspaceId, now: Timestamp) -> Result<(), StoreError> {
    for id in tx.stale_imports(workspace_id, now.plus(-INTERRUPTED_AFTER))? {
        let detail = "Segue was stopped during the import. Import the same file again: what is there already stays as \
                      it is, and the rest is added.";
        tx.end_import(workspace_id, id, ImportState::Failed, Some(detail), now)?;
    }
    Ok(())
}

/// What one transaction came to.
struct Written {
    import: ImportView,
    /// Rows whose person had opted out and stays so.
    kept_out: i64,
}

impl Written {
    fn new(import: Option<ImportView>, kept_out: i64) -> Result<Self, OutreachError> {
        let import = import.ok_or_else(|| OutreachError::File("the import was ended meanwhile".to_owned()))?;
        Ok(Self { import, kept_out })
    }
}

impl Job {
    fn add_counts(
        &self,
        tx: &mut Tx<'_>,
        counts: &ImportCounts,
        now: Timestamp,
    ) -> Result<Option<ImportView>, StoreError> {
        tx.add_import_counts(self.workspace_id, self.import_id, counts, now)
    }
}

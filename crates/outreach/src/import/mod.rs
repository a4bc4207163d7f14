//! Imports of contacts from CSV and XLSX files.
//!
//! An uploaded file is read once and kept in chunks of [`CHUNK`] rows (`file.rs`). An import works on the chunks one
//! after the other, one transaction each; the next one is read and parsed meanwhile, so memory does not grow with the
//! file, but for the phone numbers and external keys of its rows (16 bytes each), by which a second row of the same
//! person is found.
//!
//! # Why a crash at each point is safe
//! The transaction of a chunk begins by moving the import's `next_chunk` past it and holds all that the chunk's rows
//! come to, so a crash leaves whole chunks. The job is taken up again by any node and goes on with the next chunk; two
//! who work on the same import at once take turns, and each chunk is written by one of them. An import that was begun by
//! the command line and died with it gets its job from [`crate::sweep`].
//!
//! Consent: an import opts people in only when it says how the consent was given and shows the wording or another
//! proof, for all rows or in columns; otherwise contacts come without opt-in and the result says so. Who has ever opted
//! out stays out, whatever a file says. An opt-out is taken from any file, and from a row that is refused too when its
//! number can be read; of a row with too many cells, when it is certain which cell is which (`spare.rs`).
//!
//! A dry run goes the same way and takes back each chunk, see `write.rs`. Undoing is in `undo.rs`.

mod errors;
mod file;
mod into_table;
mod mapping;
mod reader;
mod row;
mod spare;
mod table;
pub mod undo;
mod write;
mod xlsx;

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use jiff::tz::TimeZone;
use segue_model::{
    Ctx, ImportFileId, ImportId, ListId, TableId, Timestamp, WorkspaceId, actor::Actor, consent::ConsentMethod,
    quiet_hours, time,
};
use segue_store::{
    Store, StoreError, Tx,
    import::{ImportMode, ImportState, ImportView, ImportWork, NewImport},
    job::NewJob,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use errors::{errors_csv, errors_page};
pub use file::{CHUNK, ImportColumn, ImportFileView, KEEP_FILES, get as file, take_in};
pub use segue_model::spreadsheet::guarded_cell;
pub use table::{MOST_COLUMNS, MOST_ROWS, each_row};

use crate::{
    OutreachError,
    contacts::clean,
    tables::{self, values::Country},
};
use mapping::Mapping;
use row::{Parsed, ParsedRow, Refusal, RowReader, Says};
use write::ChunkError;

/// Kind of the job that runs an import.
pub const RUN_IMPORT: &str = "run_import";
/// Kind of the job that undoes one.
pub const UNDO_IMPORT: &str = "undo_import";
/// An import without progress for this long has lost its process; its job is given out anew.
pub const INTERRUPTED_AFTER: i64 = 10 * time::MINUTE;

/// How a file is to be imported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Column with the ISO 3166 code of the row's number; goes before `default_country`.
    pub country_column: Option<String>,
    pub consent: Option<ImportConsent>,
    /// The table that the rows go into, instead of contacts. `mapping` then names its columns; a list and consent have no
    /// place.
    pub table_id: Option<TableId>,
}

/// What a file says of consent to SMS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImportConsent {
    /// Column that says yes or no per row; every row says yes when there is none.
    pub column: Option<String>,
    /// Column that says where somebody opted out: everything in it but nothing, a no or the like counts, such as a date.
    /// Needs no evidence.
    pub opt_out_column: Option<String>,
    /// The words people agreed to.
    pub wording: Option<String>,
    /// Column with the words that the row's person agreed to; goes before `wording`.
    pub wording_column: Option<String>,
    /// How they agreed.
    pub method: Option<String>,
    /// Where the proof is.
    pub proof: Option<String>,
    /// Column that says where the row's proof is; goes before `proof`.
    pub proof_column: Option<String>,
    /// Column that says when the row's person agreed; the moment of the import without it.
    pub date_column: Option<String>,
    /// Column that says until when the row's person agreed; without it, or where it is empty, until further notice.
    pub expires_column: Option<String>,
}

impl ImportConsent {
    /// Whether anything of it claims that people agreed; a column of opt-outs alone does not.
    fn claims_opt_ins(&self) -> bool {
        let said = [&self.column, &self.wording, &self.wording_column, &self.method, &self.proof, &self.proof_column];
        said.into_iter().flatten().any(|text| !text.trim().is_empty())
    }
}

/// The evidence that holds for every row.
#[derive(Debug, Clone, Default)]
struct Claim {
    method: Option<ConsentMethod>,
    wording: Option<String>,
    proof: Option<String>,
}

/// What the transactions of an import need to know.
struct Job {
    workspace_id: WorkspaceId,
    import_id: ImportId,
    mode: ImportMode,
    list_id: Option<ListId>,
    table_id: Option<TableId>,
    /// For rows of tables.
    country: Country,
    actor: String,
    claim: Claim,
    header: Vec<String>,
}

fn claim_of(consent: Option<&ImportConsent>) -> Result<Claim, OutreachError> {
    let Some(consent) = consent else { return Ok(Claim::default()) };
    let said = |text: &Option<String>| text.as_deref().and_then(|text| clean(text, 2_000));
    let method = said(&consent.method)
        .map(|word| ConsentMethod::parse(&word))
        .transpose()
        .map_err(|_| OutreachError::invalid("consent", "This way of giving consent is not known."))?;
    Ok(Claim { method, wording: said(&consent.wording), proof: said(&consent.proof) })
}

/// Who works on an import that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// A worker, by a job that is written with the import.
    Worker,
    /// The caller, with [`run`].
    Caller,
}

/// An import that is asked for.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    pub file_id: ImportFileId,
    pub mode: ImportMode,
    pub options: ImportOptions,
}

/// Makes the import's record and its list, and remembers how the file's columns are read.
///
/// # Errors
/// When there is no such file (any more), or the options are not valid: no phone column, a column that the file does not
/// have, an unknown list, an unknown way of giving consent.
pub async fn begin(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    request: ImportRequest,
    runner: Runner,
) -> Result<ImportView, OutreachError> {
    let ImportRequest { file_id, mode, options } = request;
    claim_of(options.consent.as_ref())?;
    if options.table_id.is_none() {
        mapping::check(&options.mapping)?;
    }
    let (ctx, actor) = (ctx.clone(), actor.reference());
    let (import_id, fresh_list) = (ctx.id::<ImportId>(), ctx.id::<ListId>());
    store
        .write(move |tx| {
            let now = ctx.now();
            let file = tx.import_file(workspace_id, file_id)?.ok_or(OutreachError::NotFound("uploaded file"))?;
            match options.table_id {
                Some(id) => into_table::check(&tables::found(tx, workspace_id, id)?, &names(&file), &options)?,
                None => drop(Mapping::new(&names(&file), &options)?),
            }
            let list_id = list_of(tx, workspace_id, &options, mode, fresh_list, now)?;
            // A mapping for a table says nothing for contacts.
            if options.table_id.is_none() {
                let remembered = ImportOptions { list_id: None, list_name: None, ..options.clone() };
                tx.remember_mapping(workspace_id, &file.signature, &json(&remembered)?, now)?;
            }
            let import = NewImport {
                id: import_id,
                file_id,
                file_name: file.name,
                mode,
                options: json(&options)?,
                rows_total: file.row_count,
                list_id,
                table_id: options.table_id,
                actor: actor.clone(),
            };
            tx.insert_import(workspace_id, &import, now)?;
            if runner == Runner::Worker {
                schedule(tx, &ctx, workspace_id, RUN_IMPORT, import_id)?;
            }
            tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import"))
        })
        .await
}

fn json(options: &ImportOptions) -> Result<serde_json::Value, OutreachError> {
    serde_json::to_value(options).map_err(|error| StoreError::Statement(error.to_string()).into())
}

fn names(file: &segue_store::import_file::ImportFile) -> Vec<String> {
    file::columns_of(file).into_iter().map(|column| column.name).collect()
}

/// The list that the contacts are put on. A dry run makes none.
fn list_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    options: &ImportOptions,
    mode: ImportMode,
    fresh: ListId,
    now: Timestamp,
) -> Result<Option<ListId>, OutreachError> {
    let name = options.list_name.as_deref().and_then(|name| clean(name, 300));
    match (options.list_id, name) {
        (Some(id), _) => {
            let list = tx.list(workspace_id, id)?;
            Ok(Some(list.ok_or_else(|| OutreachError::invalid("list_id", "There is no such list."))?.id))
        }
        (None, Some(name)) => {
            if mode == ImportMode::Import {
                tx.insert_list(workspace_id, fresh, &name, now)?;
            }
            Ok(tx.list_by_name(workspace_id, &name)?.map(|list| list.id))
        }
        (None, None) => Ok(None),
    }
}

fn schedule(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    kind: &'static str,
    id: ImportId,
) -> Result<(), StoreError> {
    let job = NewJob {
        id: ctx.id(),
        kind,
        dedupe_key: id.to_string(),
        payload: serde_json::json!({ "import_id": id }),
        run_at: ctx.now(),
    };
    tx.schedule(workspace_id, &job, ctx.now()).map(|_| ())
}

/// Works on an import until its end and gives the result; `on_progress` is called after every chunk. Running it again,
/// or twice at once, changes nothing. What is wrong with the file ends the import as `failed` with the reason, and its
/// rows up to there stay.
///
/// # Errors
/// When there is no such import or the store fails.
pub async fn run(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    import_id: ImportId,
    mut on_progress: impl FnMut(&ImportView),
) -> Result<ImportView, OutreachError> {
    let work =
        store.read(move |tx| tx.import_work(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import"))).await?;
    if work.state != ImportState::Running {
        return get(store, workspace_id, import_id).await;
    }
    let file_id = work.file_id;
    let written = work_on(store, ctx, workspace_id, import_id, work, &mut on_progress).await;
    let problem = match written {
        Ok(Worked::Through) => None,
        Ok(Worked::GaveWay) => return get(store, workspace_id, import_id).await,
        Err(OutreachError::Store(error)) => return Err(error.into()),
        Err(error) => Some(error.to_string()),
    };
    let now = ctx.now();
    let ended = store
        .write(move |tx| {
            let import = tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import"))?;
            let (state, detail) = match &problem {
                Some(problem) => (ImportState::Failed, Some(problem.clone())),
                None if import.rows_read < import.rows_total => {
                    (ImportState::Failed, Some("The uploaded file is not there any more. Upload it again.".to_owned()))
                }
                None => (ImportState::Done, note(&import)),
            };
            let ended = tx.end_import(workspace_id, import_id, state, detail.as_deref(), now)?;
            if let (ImportMode::Import, ImportState::Done, Some(file_id)) = (import.mode, state, file_id) {
                tx.delete_import_file(workspace_id, file_id)?;
            }
            match ended {
                Some(import) => Ok(import),
                None => tx.import(workspace_id, import_id)?.ok_or(OutreachError::NotFound("import")),
            }
        })
        .await?;
    on_progress(&ended);
    Ok(ended)
}

/// How the work on an import ended.
enum Worked {
    /// All its chunks are written.
    Through,
    /// It was stopped, or another worker goes on with it.
    GaveWay,
}

/// A chunk as it was read.
struct ParsedChunk {
    number: i64,
    rows: Vec<Parsed>,
}

async fn work_on(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    import_id: ImportId,
    work: ImportWork,
    on_progress: &mut impl FnMut(&ImportView),
) -> Result<Worked, OutreachError> {
    let options: ImportOptions = serde_json::from_value(work.options)
        .map_err(|error| OutreachError::File(format!("its options cannot be read any more ({error})")))?;
    let file_id = work.file_id.ok_or(OutreachError::NotFound("uploaded file"))?;
    let table_id = work.table_id;
    let (file, workspace, definitions, table) = store
        .read(move |tx| {
            let file = tx.import_file(workspace_id, file_id)?.ok_or(OutreachError::NotFound("uploaded file"))?;
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            let table = table_id.map(|id| tables::found(tx, workspace_id, id)).transpose()?;
            Ok::<_, OutreachError>((file, workspace, tx.attribute_definitions(workspace_id)?, table))
        })
        .await?;
    let header = names(&file);
    let told = clean(&options.default_country, 2).map(Country::Told);
    let by_country = told.unwrap_or_else(|| Country::Usual(workspace.country.clone()));
    let country = by_country.code().to_owned();
    let parser = match table {
        Some(table) => Parser::Table(Box::new(into_table::Parser::new(table, &header, &options, country.clone())?)),
        None => Parser::Contacts(Box::new(ContactParser {
            rows: RowReader::new(
                Mapping::new(&header, &options)?,
                definitions,
                // The file's numbers may be from anywhere; its dates are written as the workspace writes them.
                country.clone(),
                (workspace.country, quiet_hours::zone(&workspace.time_zone).unwrap_or(TimeZone::UTC)),
                ctx.now(),
            ),
            seen: HashMap::new(),
            seen_keys: HashMap::new(),
        })),
    };
    let claim = claim_of(options.consent.as_ref())?;
    let (mode, list_id, table_id, actor) = (work.mode, work.list_id, work.table_id, work.actor);
    let job = Job { workspace_id, import_id, mode, list_id, table_id, country: by_country, actor, claim, header };
    let job = Arc::new(job);
    let (sender, mut chunks) = mpsc::channel(1);
    let reading = tokio::spawn(read_chunks(store.clone(), workspace_id, file_id, work.next_chunk, parser, sender));
    while let Some(ParsedChunk { number, rows }) = chunks.recv().await {
        match write_one(store, ctx, &job, number, Arc::new(rows)).await? {
            Some(import) => on_progress(&import),
            None => return Ok(Worked::GaveWay),
        }
    }
    reading.await.map_err(|panic| OutreachError::File(format!("reading it failed unexpectedly ({panic})")))??;
    Ok(Worked::Through)
}

async fn write_one(
    store: &Store,
    ctx: &Ctx,
    job: &Arc<Job>,
    number: i64,
    rows: Arc<Vec<Parsed>>,
) -> Result<Option<ImportView>, OutreachError> {
    let written = {
        let (ctx, job, rows) = (ctx.clone(), Arc::clone(job), Arc::clone(&rows));
        store.write_bulk(move |tx| write::write_chunk(tx, &ctx, &job, number, &rows)).await
    };
    match written {
        Ok(import) => Ok(import),
        Err(ChunkError::Failed(error)) => Err(error),
        Err(ChunkError::Rehearsed(counts)) => {
            let (job, now) = (Arc::clone(job), ctx.now());
            store.write_bulk(move |tx| write::write_rehearsed(tx, &job, number, &rows, &counts, now)).await
        }
    }
}

/// Reads and parses the chunks of a file from `next` on, the ones before for their phone numbers only.
async fn read_chunks(
    store: Store,
    workspace_id: WorkspaceId,
    file_id: ImportFileId,
    next: i64,
    mut parser: Parser,
    chunks: mpsc::Sender<ParsedChunk>,
) -> Result<(), OutreachError> {
    let mut number = 0;
    loop {
        let data =
            store.read(move |tx| Ok::<_, OutreachError>(tx.import_chunk(workspace_id, file_id, number)?)).await?;
        let Some(data) = data else { return Ok(()) };
        let parsed = tokio::task::spawn_blocking(move || {
            let rows = parser.parse(&data);
            (parser, rows)
        });
        let (back, rows) =
            parsed.await.map_err(|panic| OutreachError::File(format!("a row cannot be read ({panic})")))?;
        parser = back;
        if number >= next && chunks.send(ParsedChunk { number, rows: rows? }).await.is_err() {
            return Ok(());
        }
        number += 1;
    }
}

/// Parses chunks in their order.
enum Parser {
    Contacts(Box<ContactParser>),
    Table(Box<into_table::Parser>),
}

impl Parser {
    fn parse(&mut self, data: &[u8]) -> Result<Vec<Parsed>, OutreachError> {
        match self {
            Self::Contacts(parser) => parser.parse(data),
            Self::Table(parser) => parser.parse(data),
        }
    }
}

/// Knows the phone numbers and hashed external keys of the rows so far.
struct ContactParser {
    rows: RowReader,
    seen: HashMap<u64, u32>,
    seen_keys: HashMap<u64, u32>,
}

impl ContactParser {
    fn parse(&mut self, data: &[u8]) -> Result<Vec<Parsed>, OutreachError> {
        file::rows_of(data)?
            .into_iter()
            .map(|record| {
                Ok(match self.rows.read(record) {
                    Parsed::Row(row) => match self.repetition(&row) {
                        None => Parsed::Row(row),
                        Some(refusal) => {
                            let out = (row.says == Says::No).then_some(row.phone);
                            Parsed::Refused { number: row.number, refusal, cells: row.cells, out }
                        }
                    },
                    other => other,
                })
            })
            .collect()
    }

    /// Why a row is refused that says who another one said it is.
    fn repetition(&mut self, row: &ParsedRow) -> Option<Refusal> {
        // E.164 has at most 15 digits, which fit.
        let digits: u64 = row.phone.digits().parse().ok()?;
        let key = row.fields.external_key.as_ref();
        // The same in every process, so that an import that is taken up again refuses the same rows.
        let key = key.map(|key| BuildHasherDefault::<DefaultHasher>::default().hash_one(key));
        let (what, first) = match (first_seen(&mut self.seen, digits, row), key) {
            (Some(first), _) => ("phone number", first),
            (None, Some(key)) => ("external key", first_seen(&mut self.seen_keys, key, row)?),
            (None, None) => return None,
        };
        Some(Refusal::new("duplicate_in_file", format!("This {what} stands in row {first} already.")))
    }
}

/// The row that had the same before.
fn first_seen(seen: &mut HashMap<u64, u32>, what: u64, row: &ParsedRow) -> Option<u32> {
    match seen.entry(what) {
        std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            // The rows of the largest file fit.
            entry.insert(u32::try_from(row.number).unwrap_or(u32::MAX));
            None
        }
    }
}

/// What a person should know of the result.
fn note(import: &ImportView) -> Option<String> {
    let mut notes = Vec::new();
    if import.without_evidence > 0 {
        notes.push(format!(
            "{} were imported without opt-in: say how the consent was given, and give its wording or another proof.",
            import.without_evidence
        ));
    }
    if import.kept_out > 0 {
        notes.push(format!("{} had opted out and stay opted out.", import.kept_out));
    }
    if import.held_back > 0 {
        notes.push(format!(
            "{} have no opt-in: the consent in the file has ended, or what they wrote waits for a review.",
            import.held_back
        ));
    }
    (!notes.is_empty()).then(|| notes.join(" "))
}

/// Stops a running import; the rows that it has read stay.
///
/// # Errors
/// When there is no such import.
pub async fn stop(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ImportId,
) -> Result<ImportView, OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            let detail = "It was stopped. The rows read so far are imported; undo it to take them back.";
            let ended = tx.end_import(workspace_id, id, ImportState::Failed, Some(detail), now)?;
            match ended {
                Some(import) => Ok(import),
                None => tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import")),
            }
        })
        .await
}

/// One import.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: ImportId) -> Result<ImportView, OutreachError> {
    store.read(move |tx| tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))).await
}

/// Imports without dry runs, newest first, from before `before` on.
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

/// Gives the job of imports whose process died out anew, and removes what has had its time.
pub(crate) fn sweep(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    let now = ctx.now();
    for (id, state) in tx.stale_imports(workspace_id, now.plus(-INTERRUPTED_AFTER))? {
        let kind = if state == ImportState::Undoing { UNDO_IMPORT } else { RUN_IMPORT };
        schedule(tx, ctx, workspace_id, kind, id)?;
    }
    tx.delete_import_files(workspace_id, now.plus(-KEEP_FILES))?;
    Ok(())
}

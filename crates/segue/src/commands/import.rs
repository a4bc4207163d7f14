//! `segue import contacts`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use segue_model::{Ctx, WorkspaceId, actor::Actor};
use segue_outreach::import::{self, ImportConsent, ImportFileView, ImportOptions, ImportRequest, Runner};
use segue_store::{
    Store, StoreError,
    import::{ImportMode, ImportState, ImportView},
};

use crate::config::Config;

/// Which file, and what its columns mean.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file, with a header row: CSV (UTF-8, UTF-16 or Windows-1252; commas, semicolons or tabs) or XLSX.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Workspace by its slug; not needed when there is only one.
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// List to put the contacts on; it is made when there is none of this name.
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// What a column holds, as COLUMN=FIELD; may be repeated. Without it the columns are taken by their names.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    mapping: Vec<String>,
    /// Country of phone numbers without a country code, such as US; the workspace's by default.
    #[arg(long, value_name = "COUNTRY")]
    country: Option<String>,
    /// Column with the country code of the row's number, such as US; goes before --country.
    #[arg(long, value_name = "COLUMN")]
    country_column: Option<String>,
    /// Column that says who opted out of SMS: anything but nothing, a no or the like, such as a date; needs no evidence.
    #[arg(long, value_name = "COLUMN")]
    opt_out_column: Option<String>,
    /// Column that says yes for people who opted in to SMS; without it all rows count, when there is evidence.
    #[arg(long, value_name = "COLUMN")]
    consent_column: Option<String>,
    /// The words people agreed to. Contacts count as opted in only with this or --consent-proof.
    #[arg(long, value_name = "TEXT")]
    consent_wording: Option<String>,
    /// How they agreed: web_form, keyword, paper, verbal, api.
    #[arg(long, value_name = "METHOD")]
    consent_method: Option<String>,
    /// Where the proof is.
    #[arg(long, value_name = "TEXT")]
    consent_proof: Option<String>,
    /// Column with the words the row's person agreed to.
    #[arg(long, value_name = "COLUMN")]
    consent_wording_column: Option<String>,
    /// Column that says where the row's proof is.
    #[arg(long, value_name = "COLUMN")]
    consent_proof_column: Option<String>,
    /// Column that says when the row's person agreed, such as 2026-03-31.
    #[arg(long, value_name = "COLUMN")]
    consent_date_column: Option<String>,
    /// Column that says until when the row's person agreed, such as 2027-03-31.
    #[arg(long, value_name = "COLUMN")]
    consent_expires_column: Option<String>,
    /// Change nothing; only say what would come of it.
    #[arg(long)]
    dry_run: bool,
    /// File for the rows that were not taken, with the reason of each.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Print the result as JSON, without a progress bar.
    #[arg(long)]
    json: bool,
}

/// Imports the file and says what came of it.
///
/// # Errors
/// When the file, the mapping or the evidence is not valid; rows that are not valid are counted, not fatal.
pub async fn contacts(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (store, ctx) = (super::open_store(&config).await?, Ctx::system());
    let workspace_id = workspace(&store, arguments.workspace.as_deref()).await?;
    let file = take_in(&store, &ctx, workspace_id, &arguments.file).await?;
    let options = ImportOptions {
        list_name: arguments.list.clone(),
        list_id: None,
        table_id: None,
        mapping: mapping(&file, &arguments.mapping)?,
        default_country: arguments.country.clone().unwrap_or_default(),
        country_column: arguments.country_column.clone(),
        consent: consent(&arguments),
    };
    let mode = if arguments.dry_run { ImportMode::DryRun } else { ImportMode::Import };
    let request = ImportRequest { file_id: file.id, mode, options };
    let bar = if arguments.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{bar:30} {msg}  {elapsed}")?);
    let import = run(&store, &ctx, workspace_id, request, |import| {
        bar.set_length(u64::try_from(import.rows_total).unwrap_or_default());
        bar.set_position(u64::try_from(import.rows_read).unwrap_or_default());
        bar.set_message(format!("{} of {} rows, {} rejected", import.rows_read, import.rows_total, import.rejected));
    })
    .await?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.errors {
        let text = import::errors_csv(&store, workspace_id, import.id).await?;
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    print(&import, &arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn print(import: &ImportView, arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(import)?);
        return Ok(());
    }
    if import.mode == ImportMode::DryRun {
        println!("This was a dry run; nothing was changed. The import would come to:");
    }
    println!(
        "{} rows read: {} contacts created, {} updated, {} known already.",
        import.rows_read, import.created, import.updated, import.unchanged
    );
    println!("{} are opted in to SMS, {} opted out.", import.opted_in, import.opted_out);
    if import.opted_in == 0 && consent(arguments).is_none() {
        println!("No evidence of consent was given, so nobody was opted in; see --consent-wording.");
    }
    if let Some(detail) = &import.detail {
        println!("{detail}");
    }
    if import.rejected > 0 {
        match &arguments.errors {
            Some(path) => println!("Rows not taken: {}. The reasons are in {}.", import.rejected, path.display()),
            None => println!("Rows not taken: {}. Repeat with --errors FILE to see why.", import.rejected),
        }
    }
    Ok(())
}

async fn workspace(store: &Store, slug: Option<&str>) -> anyhow::Result<WorkspaceId> {
    let all = store.read(|tx| tx.workspaces()).await.map_err(|error: StoreError| error)?;
    let slugs = || all.iter().map(|workspace| workspace.slug.as_str()).collect::<Vec<_>>().join(", ");
    match (slug, all.as_slice()) {
        (_, []) => bail!("There is no workspace yet. Start `segue serve`, or run `segue apply -f FILE`."),
        (None, [only]) => Ok(only.id),
        (None, _) => bail!("There are several workspaces. Choose one with --workspace: {}.", slugs()),
        (Some(slug), _) => match all.iter().find(|workspace| workspace.slug == slug) {
            Some(found) => Ok(found.id),
            None => bail!("There is no workspace '{slug}'. There are: {}.", slugs()),
        },
    }
}

/// The given mapping, or what the names of the columns suggest; other columns are left out.
fn mapping(file: &ImportFileView, given: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    if !given.is_empty() {
        let pair = |text: &String| {
            let (column, field) =
                text.split_once('=').with_context(|| format!("'{text}' is not of the form COLUMN=FIELD"))?;
            Ok((column.to_owned(), field.to_owned()))
        };
        return given.iter().map(pair).collect();
    }
    let suggested =
        file.columns.iter().filter_map(|column| column.suggestion.clone().map(|field| (column.name.clone(), field)));
    Ok(suggested.collect())
}

async fn take_in(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, path: &Path) -> anyhow::Result<ImportFileView> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    Ok(import::take_in(store, ctx, workspace_id, &name, file).await?)
}

fn consent(arguments: &Arguments) -> Option<ImportConsent> {
    let own = arguments;
    let consent = ImportConsent {
        column: own.consent_column.clone(),
        opt_out_column: own.opt_out_column.clone(),
        wording: own.consent_wording.clone(),
        wording_column: own.consent_wording_column.clone(),
        method: own.consent_method.clone(),
        proof: own.consent_proof.clone(),
        proof_column: own.consent_proof_column.clone(),
        date_column: own.consent_date_column.clone(),
        expires_column: own.consent_expires_column.clone(),
    };
    (consent != ImportConsent::default()).then_some(consent)
}

async fn run(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    request: ImportRequest,
    progress: impl FnMut(&ImportView),
) -> anyhow::Result<ImportView> {
    let begun = import::begin(store, ctx, workspace_id, &Actor::System, request, Runner::Caller).await?;
    let import = import::run(store, ctx, workspace_id, begun.id, progress).await?;
    if import.state == ImportState::Failed {
        bail!("{}", import.detail.unwrap_or_else(|| "The import was stopped.".to_owned()));
    }
    Ok(import)
}

/// Imports the demo's contacts.
///
/// # Errors
/// When the file is not valid.
pub(crate) async fn import_demo(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    file: &Path,
) -> anyhow::Result<()> {
    let file = take_in(store, ctx, workspace_id, file).await?;
    let mut columns = mapping(&file, &[])?;
    columns.insert("city".to_owned(), "city".to_owned());
    let options = ImportOptions {
        list_name: Some("Demo customers".to_owned()),
        mapping: columns,
        consent: Some(ImportConsent {
            column: Some("sms_opt_in".to_owned()),
            wording: Some("Yes, Acme Outdoor may text me offers. Reply STOP to end.".to_owned()),
            method: Some("web_form".to_owned()),
            proof: Some("Sign-up form of the demo shop".to_owned()),
            ..ImportConsent::default()
        }),
        ..ImportOptions::default()
    };
    let request = ImportRequest { file_id: file.id, mode: ImportMode::Import, options };
    run(store, ctx, workspace_id, request, |_| {}).await?;
    Ok(())
}

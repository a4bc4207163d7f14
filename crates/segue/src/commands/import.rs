//! `segue import contacts`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use segue_model::{Ctx, WorkspaceId, actor::Actor};
use segue_outreach::import::{self, ImportConsent, ImportOptions, ImportTask};
use segue_store::{Store, StoreError, import::ImportView};

use crate::config::Config;

/// Which file, and what its columns mean.
#[derive(clap::Args)]
pub struct Arguments {
    /// The CSV file: UTF-8, with a header row; separated by commas, semicolons or tabs.
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
    let options = ImportOptions {
        list_name: arguments.list.clone(),
        list_id: None,
        mapping: mapping(&arguments.file, &arguments.mapping, arguments.country.as_deref())?,
        default_country: arguments.country.clone().unwrap_or_default(),
        consent: consent(&arguments),
    };
    let bar = if arguments.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}  {elapsed}")?);
    let import = run(&store, &ctx, workspace_id, &arguments.file, &options, |import| {
        bar.set_message(format!("{} rows read, {} rejected", import.rows_read, import.rejected));
        bar.tick();
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
    println!("{} rows read: {} contacts created, {} updated.", import.rows_read, import.created, import.updated);
    println!("{} are opted in to SMS.", import.opted_in);
    if arguments.consent_wording.is_none() && arguments.consent_proof.is_none() {
        println!("No evidence of consent was given, so nobody was opted in; see --consent-wording.");
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

/// The given mapping, or what the names of the columns suggest; other columns become attributes.
fn mapping(file: &Path, given: &[String], country: Option<&str>) -> anyhow::Result<BTreeMap<String, String>> {
    if !given.is_empty() {
        let pair = |text: &String| {
            let (column, field) =
                text.split_once('=').with_context(|| format!("'{text}' is not of the form COLUMN=FIELD"))?;
            Ok((column.to_owned(), field.to_owned()))
        };
        return given.iter().map(pair).collect();
    }
    let preview = import::preview(file, country.unwrap_or("US"))?;
    let suggested =
        preview.columns.into_iter().filter_map(|column| column.suggestion.map(|field| (column.name, field)));
    Ok(suggested.collect())
}

fn consent(arguments: &Arguments) -> Option<ImportConsent> {
    let said = arguments.consent_wording.is_some()
        || arguments.consent_proof.is_some()
        || arguments.consent_column.is_some()
        || arguments.consent_method.is_some();
    said.then(|| ImportConsent {
        column: arguments.consent_column.clone(),
        wording: arguments.consent_wording.clone(),
        method: arguments.consent_method.clone(),
        proof: arguments.consent_proof.clone(),
    })
}

async fn run(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    file: &Path,
    options: &ImportOptions,
    progress: impl FnMut(&ImportView),
) -> anyhow::Result<ImportView> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let begun = import::begin(store, ctx, workspace_id, &Actor::System, &name, options).await?;
    let task = ImportTask {
        workspace_id,
        import_id: begun.id,
        actor: Actor::System,
        path: file.to_path_buf(),
        options: options.clone(),
    };
    Ok(import::run(store, ctx, &task, progress).await?)
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
    let mut columns = mapping(file, &[], None)?;
    columns.insert("city".to_owned(), "city".to_owned());
    let options = ImportOptions {
        list_name: Some("Demo customers".to_owned()),
        list_id: None,
        mapping: columns,
        default_country: String::new(),
        consent: Some(ImportConsent {
            column: Some("sms_opt_in".to_owned()),
            wording: Some("Yes, Acme Outdoor may text me offers. Reply STOP to end.".to_owned()),
            method: Some("web_form".to_owned()),
            proof: Some("Sign-up form of the demo shop".to_owned()),
        }),
    };
    run(store, ctx, workspace_id, file, &options, |_| {}).await?;
    Ok(())
}

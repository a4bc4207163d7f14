//! `segue apply`: shows what a workspace file would change, then changes it.

use std::{collections::BTreeMap, io::IsTerminal as _, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use segue_access::{NewUser, NewWorkspace, create_user, create_workspace};
use segue_model::{
    ChannelId, Ctx, RegistrationId, SenderId, UserId, WorkspaceId,
    policy::QuietHours,
    registration::{RegistrationKind, RegistrationState},
};
use segue_store::{
    Store, StoreError,
    access::User,
    channel::{Channel, ChannelState, Registration, Sender},
    flow::NewVersion,
    registration::{RegistrationInput, RegistrationStep},
    routing::Queue,
    workspace::{Workspace, WorkspaceSettings},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    config::Config,
    manifest::{
        ChannelPart, FlowPart, LoadedManifest, OFFER_SECONDS, QueuePart, RegistrationPart, SenderPart, UserPart,
        changed_settings,
    },
};

/// Which file, and how to go about it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The workspace file.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before changing.
    #[arg(long)]
    yes: bool,
    /// Print the changes as JSON.
    #[arg(long)]
    json: bool,
}

/// One difference between the file and the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `create` or `change`.
    pub action: &'static str,
    /// Such as `queue sales`.
    pub what: String,
    /// What is different, without secrets.
    pub detail: String,
}

/// Compares, shows, asks and applies.
///
/// # Errors
/// When the file is not valid or the database cannot be used; nothing is changed then.
pub async fn apply(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let manifest = LoadedManifest::read(&arguments.file)?;
    let ctx = Ctx::system();
    let store = match arguments.dry_run {
        true => super::open_store(&config).await?,
        false => super::open_or_make_store(&config).await?,
    };
    let changes = differences(&store, &manifest).await?;
    rehearse(&store, &ctx, &manifest).await?;
    show(&changes, arguments.json)?;
    if changes.is_empty() || arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes && !confirmed()? {
        println!("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    apply_manifest(&store, &ctx, &manifest).await?;
    if !arguments.json {
        println!("Applied. A running server takes the changes over within a minute.");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(changes: &[Change], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(changes)?);
    } else if changes.is_empty() {
        println!("Nothing to change: the workspace is as the file says.");
    } else {
        for change in changes {
            let mark = if change.action == "create" { '+' } else { '~' };
            println!("{mark} {:<40} {}", change.what, change.detail);
        }
    }
    Ok(())
}

fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("There is no terminal to ask on. Add --yes to apply without asking, or --dry-run to only look.");
    }
    println!("Apply these changes? Type yes:");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// What the database holds of the things a file can describe.
#[derive(Default, Clone)]
struct Present {
    workspace: Option<Workspace>,
    users: Vec<User>,
    queues: Vec<Queue>,
    /// E-mail addresses of each queue's members, in order.
    members: BTreeMap<String, Vec<String>>,
    /// Source of each flow's published version.
    flows: BTreeMap<String, String>,
    channels: Vec<Channel>,
    senders: Vec<Sender>,
}

async fn present(store: &Store, slug: &str) -> Result<Present, StoreError> {
    let slug = slug.to_owned();
    store
        .read(move |tx| {
            let Some(workspace) = tx.workspace_by_slug(&slug)? else { return Ok(Present::default()) };
            let id = workspace.id;
            let users = tx.users(id)?;
            let mut members = BTreeMap::new();
            for view in tx.queue_views(id, workspace.created_at)? {
                let mut emails: Vec<String> = view
                    .members
                    .iter()
                    .filter_map(|member| users.iter().find(|user| user.id == member.user_id))
                    .map(|user| user.email.clone())
                    .collect();
                emails.sort();
                members.insert(view.slug, emails);
            }
            let mut flows = BTreeMap::new();
            for flow in tx.flows(id)? {
                if let Some(version) = tx.published_flow_of_slug(id, &flow.slug)? {
                    flows.insert(flow.slug, version.source);
                }
            }
            Ok(Present {
                users,
                members,
                flows,
                queues: tx.queues(id)?,
                channels: tx.channels(id)?,
                senders: tx.senders(id)?,
                workspace: Some(workspace),
            })
        })
        .await
}

/// What applying the manifest would change; empty when nothing.
///
/// # Errors
/// When the database cannot be read, or a flow of the file is not valid.
pub async fn differences(store: &Store, loaded: &LoadedManifest) -> anyhow::Result<Vec<Change>> {
    check_flows(loaded)?;
    check_references(loaded)?;
    let present = present(store, &loaded.manifest.workspace.slug).await?;
    let mut changes = Vec::new();
    let mut note = |what: String, old: Option<String>, new: String| match old {
        None => changes.push(Change { action: "create", what, detail: new }),
        Some(old) if old != new => {
            changes.push(Change { action: "change", what, detail: format!("{old} -> {new}") });
        }
        Some(_) => {}
    };
    let part = &loaded.manifest.workspace;
    let old = present.workspace.as_ref();
    let usual = WorkspaceSettings::default();
    let old_settings = old.map_or(&usual, |old| &*old.settings);
    let settings = changed_settings(old_settings, &part.settings_over(old_settings)?)?.join(", ");
    let quiet = part.quiet()?.or(old.map(|old| old.quiet_hours));
    note(
        format!("workspace {}", part.slug),
        old.map(|old| workspace_summary(&old.name, &old.time_zone, &old.country, Some(old.quiet_hours), "")),
        workspace_summary(&part.name, &part.time_zone, &part.country, quiet, &settings),
    );
    for user in &loaded.manifest.users {
        let old = present.users.iter().find(|old| old.email == user.email.to_lowercase());
        let summary = |name: &str, role: &str| format!("{name}, {role}");
        let old = old.map(|old| summary(&old.name, old.role.as_str()));
        note(format!("user {}", user.email), old, summary(&user.name, user.role.as_str()));
    }
    for queue in &loaded.manifest.queues {
        let old = present.queues.iter().find(|old| old.slug == queue.slug).map(|old| {
            let members = present.members.get(&old.slug).cloned().unwrap_or_default();
            queue_summary(&old.name, old.offer_seconds, &members)
        });
        let known = present.queues.iter().find(|old| old.slug == queue.slug);
        let seconds = queue.offer_seconds.or(known.map(|old| old.offer_seconds)).unwrap_or(OFFER_SECONDS);
        let members = match &queue.members {
            Some(members) => sorted(members),
            None => present.members.get(&queue.slug).cloned().unwrap_or_default(),
        };
        note(format!("queue {}", queue.slug), old, queue_summary(&queue.name, seconds, &members));
    }
    for (flow, source) in loaded.manifest.flows.iter().zip(&loaded.flow_sources) {
        let old = present.flows.get(&flow.slug).map(|old| content_mark(old));
        note(format!("flow {}", flow.slug), old, content_mark(source));
    }
    for channel in &loaded.manifest.channels {
        let old = present.channels.iter().find(|old| old.slug == channel.slug);
        let (flow, queue) = leads_to(channel, old);
        let old = old.map(|old| channel_summary(&old.name, &old.config, &old.flow_slug, &old.queue_slug));
        let new = channel_summary(&channel.name, &channel.config, &flow, &queue);
        note(format!("channel {}", channel.slug), old, new);
    }
    for sender in &loaded.manifest.senders {
        let channel = present.channels.iter().find(|channel| channel.slug == sender.channel);
        let old = channel.and_then(|channel| {
            let same = |old: &&Sender| old.channel_id == channel.id && old.address == sender.address;
            present.senders.iter().find(same)
        });
        let registration = registration(sender, old);
        let old = old.map(|old| format!("{}, {}", old.kind, old.registration));
        note(format!("sender {}", sender.address), old, format!("{}, {registration}", sender.kind));
    }
    Ok(changes)
}

/// The flow and the queue of a channel: what the file says, else what is there.
fn leads_to(part: &ChannelPart, present: Option<&Channel>) -> (Option<String>, Option<String>) {
    let flow = part.flow.clone().unwrap_or_else(|| present.and_then(|present| present.flow_slug.clone()));
    let queue = part.queue.clone().unwrap_or_else(|| present.and_then(|present| present.queue_slug.clone()));
    (flow, queue)
}

/// How a sender is registered: what the file says, else what is there.
fn registration(part: &SenderPart, present: Option<&Sender>) -> Registration {
    part.registration.or(present.map(|present| present.registration)).unwrap_or(Registration::Active)
}

/// `changes` names the settings that the file changes.
fn workspace_summary(name: &str, time_zone: &str, country: &str, quiet: Option<QuietHours>, changes: &str) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut text = format!("{name}, {time_zone}, {country}");
    if let Some(quiet) = quiet {
        text += &format!(", quiet from {} to {}", clock(quiet.start_minute), clock(quiet.end_minute));
    }
    if !changes.is_empty() {
        text += &format!(", sets {changes}");
    }
    text
}

fn queue_summary(name: &str, offer_seconds: u32, members: &[String]) -> String {
    format!("{name}, {offer_seconds} s per offer, members: {}", members.join(", "))
}

fn channel_summary(
    name: &str,
    config: &segue_store::channel::ChannelConfig,
    flow: &Option<String>,
    queue: &Option<String>,
) -> String {
    let settings = serde_json::to_string(config).unwrap_or_default();
    format!(
        "{name}, {} {}, bot {}, queue {}, settings {}",
        config.kind(),
        config.display(),
        flow.as_deref().unwrap_or("none"),
        queue.as_deref().unwrap_or("none"),
        content_mark(&settings)
    )
}

/// A short mark that changes with the content, for what is too long or too secret to show.
fn content_mark(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text.as_bytes());
    format!("#{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
}

fn sorted(members: &[String]) -> Vec<String> {
    let mut members: Vec<String> = members.iter().map(|email| email.to_lowercase()).collect();
    members.sort();
    members
}

fn flow_problems(flow: &FlowPart, problems: &[segue_flow::Problem]) -> String {
    let list: Vec<String> = problems
        .iter()
        .map(|problem| format!("  line {}, column {}: {}", problem.line, problem.column, problem.message))
        .collect();
    format!("The flow '{}' in {} is not valid:\n{}", flow.slug, flow.file.display(), list.join("\n"))
}

fn check_flows(loaded: &LoadedManifest) -> anyhow::Result<()> {
    for (flow, source) in loaded.manifest.flows.iter().zip(&loaded.flow_sources) {
        if let Err(problems) = segue_flow::parse(source) {
            bail!("{}", flow_problems(flow, &problems));
        }
    }
    Ok(())
}

/// Everything a part names must be in the file, so that applying cannot stop half-way.
fn check_references(loaded: &LoadedManifest) -> anyhow::Result<()> {
    let manifest = &loaded.manifest;
    for queue in &manifest.queues {
        for email in queue.members.iter().flatten() {
            if !manifest.users.iter().any(|user| user.email.eq_ignore_ascii_case(email)) {
                bail!("The queue '{}' has the member {email}, who is not among the users of the file.", queue.slug);
            }
        }
    }
    for channel in &manifest.channels {
        if let Some(Some(flow)) = &channel.flow
            && !manifest.flows.iter().any(|part| part.slug == *flow)
        {
            bail!("The channel '{}' names the flow '{flow}', which is not in the file.", channel.slug);
        }
        if let Some(Some(queue)) = &channel.queue
            && !manifest.queues.iter().any(|part| part.slug == *queue)
        {
            bail!("The channel '{}' names the queue '{queue}', which is not in the file.", channel.slug);
        }
    }
    for sender in &manifest.senders {
        if !manifest.channels.iter().any(|channel| channel.slug == sender.channel) {
            bail!("The sender {} names the channel '{}', which is not in the file.", sender.address, sender.channel);
        }
    }
    Ok(())
}

/// Brings the workspace to what the manifest says. Users come first, each in its own transaction since hashing a
/// password takes long; everything else is one transaction. Repeating it after a crash completes it.
///
/// # Errors
/// When the manifest is not consistent or the store fails.
pub async fn apply_manifest(store: &Store, ctx: &Ctx, loaded: &LoadedManifest) -> anyhow::Result<WorkspaceId> {
    check_flows(loaded)?;
    check_references(loaded)?;
    let part = &loaded.manifest.workspace;
    let new = NewWorkspace {
        name: part.name.clone(),
        slug: part.slug.clone(),
        time_zone: part.time_zone.clone(),
        country: part.country.clone(),
    };
    let id = create_workspace(store, ctx, &new).await?.id;
    let quiet = part.quiet()?;
    apply_users(store, ctx, id, &loaded.manifest.users).await?;
    let (loaded, ctx) = (loaded.clone(), ctx.clone());
    store
        .write(move |tx| {
            let part = &loaded.manifest.workspace;
            // Read here, so that what somebody saved meanwhile stays.
            let mut workspace =
                tx.workspace(id)?.ok_or_else(|| ApplyError::Settings("The workspace is gone.".to_owned()))?;
            workspace.name.clone_from(&part.name);
            workspace.time_zone.clone_from(&part.time_zone);
            workspace.country.clone_from(&part.country);
            workspace.quiet_hours = quiet.unwrap_or(workspace.quiet_hours);
            let settings = part.settings_over(&workspace.settings);
            workspace.settings = settings.map_err(|error| ApplyError::Settings(format!("{error:#}")))?.into();
            tx.update_workspace(&workspace)?;
            write_parts(tx, &ctx, id, &loaded)
        })
        .await
        .context("The workspace could not be stored; nothing but its users was changed")?;
    Ok(id)
}

/// Looks whether everything but the users could be stored, and changes nothing. A workspace that does not exist yet has
/// nothing that could stand in the way.
async fn rehearse(store: &Store, ctx: &Ctx, loaded: &LoadedManifest) -> anyhow::Result<()> {
    let (loaded, ctx) = (loaded.clone(), ctx.clone());
    let rehearsed = store.write(move |tx| {
        let Some(workspace) = tx.workspace_by_slug(&loaded.manifest.workspace.slug)? else { return Ok(()) };
        write_parts(tx, &ctx, workspace.id, &loaded)?;
        Err(ApplyError::Rehearsed)
    });
    match rehearsed.await {
        Ok(()) | Err(ApplyError::Rehearsed) => Ok(()),
        Err(error) => Err(error).context("The workspace cannot be stored like this; nothing was changed"),
    }
}

/// Everything but the workspace itself and its users.
fn write_parts(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    id: WorkspaceId,
    loaded: &LoadedManifest,
) -> Result<(), ApplyError> {
    let users = tx.users(id)?;
    for queue in &loaded.manifest.queues {
        write_queue(tx, ctx, id, queue, &users)?;
    }
    let present = tx.channels(id)?;
    let known: Vec<ChannelId> = present.iter().map(|channel| channel.id).collect();
    let mut channels = BTreeMap::new();
    for channel in &loaded.manifest.channels {
        let old = present.iter().find(|old| old.slug == channel.slug);
        channels.insert(channel.slug.clone(), write_channel(tx, ctx, id, channel, old)?);
    }
    for sender in &loaded.manifest.senders {
        write_sender(tx, ctx, id, sender, &channels)?;
    }
    // After the channels: a form has to be published at each number that uses the flow, unless the number is new, and its
    // forms are taken over later.
    let new: Vec<ChannelId> = channels.into_values().filter(|id| !known.contains(id)).collect();
    for (flow, source) in loaded.manifest.flows.iter().zip(&loaded.flow_sources) {
        write_flow(tx, ctx, id, (flow, source), &new)?;
    }
    Ok(())
}

async fn apply_users(store: &Store, ctx: &Ctx, id: WorkspaceId, users: &[UserPart]) -> anyhow::Result<()> {
    let present = store.read(move |tx| tx.users(id)).await?;
    for user in users {
        let old = present.iter().find(|old| old.email == user.email.to_lowercase());
        match old {
            None => {
                let new = NewUser {
                    email: user.email.clone(),
                    name: user.name.clone(),
                    role: user.role,
                    password: user.password.clone(),
                };
                create_user(store, ctx, id, &new)
                    .await
                    .with_context(|| format!("The user {} could not be created", user.email))?;
            }
            Some(old) if old.name != user.name || old.role != user.role => {
                let change = segue_access::UserChange {
                    name: Some(user.name.clone()),
                    role: Some(user.role),
                    ..Default::default()
                };
                segue_access::change_user(store, ctx, id, old.id, change)
                    .await
                    .with_context(|| format!("The user {} could not be changed", user.email))?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn write_queue(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    part: &QueuePart,
    users: &[User],
) -> Result<(), StoreError> {
    let old = tx.queues(workspace_id)?.into_iter().find(|old| old.slug == part.slug);
    let queue = Queue {
        id: ctx.id(),
        slug: part.slug.clone(),
        name: part.name.clone(),
        offer_seconds: part.offer_seconds.or(old.map(|old| old.offer_seconds)).unwrap_or(OFFER_SECONDS),
        created_at: ctx.now(),
    };
    let id = tx.upsert_queue(workspace_id, &queue)?;
    let Some(members) = &part.members else { return Ok(()) };
    let members: Vec<UserId> = members
        .iter()
        .filter_map(|email| users.iter().find(|user| user.email == email.to_lowercase()))
        .map(|user| user.id)
        .collect();
    tx.set_queue_members(workspace_id, id, &members)?;
    Ok(())
}

/// Why the second part of a file could not be applied.
#[derive(Debug, Clone, thiserror::Error)]
enum ApplyError {
    #[error("{0}")]
    Flow(String),
    #[error("{0}")]
    Settings(String),
    /// It could be, and was not to be.
    #[error("nothing was changed")]
    Rehearsed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn write_flow(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    (part, source): (&FlowPart, &str),
    new: &[ChannelId],
) -> Result<(), ApplyError> {
    if tx.published_flow_of_slug(workspace_id, &part.slug)?.is_some_and(|published| published.source == source) {
        // Nothing changes, so a form that WhatsApp has withdrawn since keeps nobody from changing something else.
        return Ok(());
    }
    let missing = segue_desk::flows::missing(tx, workspace_id, source, new)?;
    let definition = segue_flow::parse(source).ok().filter(|_| missing.is_empty());
    let definition = definition.ok_or_else(|| ApplyError::Flow(flow_problems(part, &missing)))?;
    let (name, files) = (definition.name.as_str(), definition.files());
    let version = NewVersion { slug: &part.slug, name, source, files: &files };
    tx.publish_flow(workspace_id, version, (ctx.id(), ctx.id()), ctx.now())?;
    Ok(())
}

fn write_channel(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    part: &ChannelPart,
    old: Option<&Channel>,
) -> Result<ChannelId, StoreError> {
    let (flow_slug, queue_slug) = leads_to(part, old);
    tx.upsert_channel(&Channel {
        workspace_id,
        id: ctx.id(),
        slug: part.slug.clone(),
        name: part.name.clone(),
        config: part.config.clone(),
        flow_slug,
        queue_slug,
        state: ChannelState::Connecting,
        state_detail: None,
        refusal: None,
        last_inbound_at: None,
        created_at: ctx.now(),
        conversation: segue_store::shared::Shared::default(),
    })
}

fn write_sender(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    part: &SenderPart,
    channels: &BTreeMap<String, ChannelId>,
) -> Result<(), StoreError> {
    let Some(channel_id) = channels.get(&part.channel) else {
        return Err(StoreError::Statement("a sender's channel is missing".to_owned()));
    };
    let present = tx.senders(workspace_id)?;
    let old = present.iter().find(|old| old.channel_id == *channel_id && old.address == part.address);
    let sender = Sender {
        id: ctx.id(),
        channel_id: *channel_id,
        address: part.address.clone(),
        kind: part.kind,
        registration: registration(part, old),
        created_at: ctx.now(),
    };
    let sender = tx.upsert_sender(workspace_id, &sender)?;
    write_registrations(tx, ctx, workspace_id, sender, &part.registered)
}

/// Records what has been approved for a sender; the brand comes before the campaigns that belong to it.
fn write_registrations(
    tx: &mut segue_store::Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    sender_id: SenderId,
    parts: &[RegistrationPart],
) -> Result<(), StoreError> {
    use RegistrationState::{Approved, Draft, Submitted};
    if parts.is_empty() {
        return Ok(());
    }
    let links = tx.sender_links(workspace_id)?;
    let mut linked: Vec<RegistrationId> =
        links.into_iter().filter(|(sender, _)| *sender == sender_id).map(|(_, registration)| registration).collect();
    for part in parts {
        let known = tx.registrations(workspace_id)?;
        let same = known.iter().find(|known| known.kind == part.kind && known.name == part.name);
        let id = match same {
            Some(known) => known.id,
            None => {
                let brand = known.iter().find(|known| known.kind == RegistrationKind::Brand);
                let input = RegistrationInput {
                    name: part.name.clone(),
                    country: None,
                    parent_id: brand.filter(|_| part.kind == RegistrationKind::Campaign).map(|brand| brand.id),
                    reference: None,
                    details: json!({}),
                    expires_at: None,
                };
                let id = tx.insert_registration(workspace_id, part.kind, &input, "system", ctx)?;
                for (from, to) in [(Draft, Submitted), (Submitted, Approved)] {
                    let actor = "system".to_owned();
                    let step = RegistrationStep { from, to, note: None, expires_at: None, actor };
                    tx.step_registration(workspace_id, id, &step, ctx)?;
                }
                id
            }
        };
        if !linked.contains(&id) {
            linked.push(id);
        }
    }
    tx.link_sender(workspace_id, sender_id, &linked)
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;

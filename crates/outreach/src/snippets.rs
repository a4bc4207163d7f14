//! Snippets: blocks of text that several campaigns share, written once and kept in versions.
//!
//! A text includes one with `{% include "name" %}`, always by a name in quotes, so that who is included where can be read
//! off the text, and no contact's data chooses what stands in it. A draft gets the newest version; a campaign keeps the
//! versions that it was started with ([`crate::campaign`]). What a draft or another snippet includes cannot be removed.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, Ctx, SnippetId, WorkspaceId, actor::Actor, campaign::CampaignState, language::LocaleText,
    variant::Variant,
};
use segue_store::{
    Store, StoreError, Tx,
    snippet::{SnippetVersionView, SnippetView},
};
use serde::{Deserialize, Serialize};

use crate::{OutreachError, look_up, text::Body};

/// Longest name, in characters.
const LONGEST_NAME: usize = 60;
/// Longest body, in characters.
const LONGEST_BODY: usize = 1_000;
/// Most snippets of a workspace.
const MOST: usize = 500;

/// A snippet to add.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetInput {
    /// Small letters, digits, hyphens and underscores; texts include it by this name, so it never changes.
    pub name: String,
    pub body: String,
}

/// A new version of a snippet.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetChange {
    pub body: String,
    /// The version that was looked at; the change is refused when there is a newer one.
    pub version: i64,
}

/// A campaign that a snippet stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SnippetCampaign {
    pub campaign_id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    /// The version that it was started with; null for a draft, which gets the newest.
    pub version: Option<i64>,
}

/// Where a snippet is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SnippetUses {
    /// Drafts first, then those that were started with it, newest first.
    pub campaigns: Vec<SnippetCampaign>,
    /// Names of other snippets that include it.
    pub snippets: Vec<String>,
}

/// Names of the snippets that a text includes.
///
/// # Errors
/// When something is included in another way than by a name in quotes, or a template is imported or extended.
fn includes(text: &str) -> Result<Vec<&str>, OutreachError> {
    let mut names = Vec::new();
    for rest in text.split("{%").skip(1) {
        let tag = rest.split("%}").next().unwrap_or_default();
        let tag = tag.trim_matches(['-', '+']).trim();
        let (verb, what) = tag.split_once(|letter: char| !letter.is_alphanumeric()).unwrap_or((tag, ""));
        match verb {
            "include" => {
                let at = tag["include".len()..].trim();
                let name = ['"', '\''].into_iter().find_map(|quote| at.strip_prefix(quote)?.strip_suffix(quote));
                let name = name.filter(|name| is_name(name)).ok_or_else(|| {
                    let why =
                        format!("“{what}” is no snippet. Include one by its name in quotes: {{% include \"name\" %}}.");
                    OutreachError::invalid("body", why)
                })?;
                names.push(name);
            }
            "import" | "from" | "extends" => {
                let why = format!("A text cannot use “{verb}”. Include a snippet: {{% include \"name\" %}}.");
                return Err(OutreachError::invalid("body", why));
            }
            _ => {}
        }
    }
    Ok(names)
}

fn is_name(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_allowed)
}

/// Names of the snippets that texts include, and of those that these include, each once.
///
/// # Errors
/// When there is no such snippet, or one includes itself.
pub(crate) fn included<'a>(
    texts: impl Iterator<Item = &'a str>,
    snippets: &'a BTreeMap<String, String>,
) -> Result<Vec<&'a str>, OutreachError> {
    let mut found = Vec::new();
    for text in texts {
        follow(text, snippets, &mut Vec::new(), &mut found)?;
    }
    Ok(found)
}

fn follow<'a>(
    text: &'a str,
    snippets: &'a BTreeMap<String, String>,
    way: &mut Vec<&'a str>,
    found: &mut Vec<&'a str>,
) -> Result<(), OutreachError> {
    for name in includes(text)? {
        if way.contains(&name) {
            return Err(OutreachError::invalid("body", format!("The snippet “{name}” would include itself.")));
        }
        let Some(text) = snippets.get(name) else {
            return Err(OutreachError::invalid("body", format!("There is no snippet named “{name}”.")));
        };
        if found.contains(&name) {
            continue;
        }
        way.push(name);
        follow(text, snippets, way, found)?;
        way.pop();
        found.push(name);
    }
    Ok(())
}

/// The newest texts of all snippets, by name.
pub(crate) fn texts(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<BTreeMap<String, String>, StoreError> {
    Ok(tx.snippets(workspace_id)?.into_iter().map(|snippet| (snippet.name, snippet.body)).collect())
}

/// The workspace's snippets.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<SnippetView>, OutreachError> {
    store.read(move |tx| Ok(tx.snippets(workspace_id)?)).await
}

fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SnippetId) -> Result<SnippetView, OutreachError> {
    let known = tx.snippets(workspace_id)?.into_iter().find(|snippet| snippet.id == id);
    known.ok_or(OutreachError::NotFound("snippet"))
}

/// Checks a text that is to stand under this name.
fn check(tx: &mut Tx<'_>, workspace_id: WorkspaceId, name: &str, body: &str) -> Result<(), OutreachError> {
    if body.trim().is_empty() {
        return Err(OutreachError::invalid("body", "Write the text."));
    }
    if body.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("body", format!("It is longer than {LONGEST_BODY} characters.")));
    }
    look_up::check(tx, workspace_id, Body::parse(body)?.uses().iter())?;
    let mut all = texts(tx, workspace_id)?;
    all.insert(name.to_owned(), body.to_owned());
    let way = &mut vec![name];
    follow(body, &all, way, &mut Vec::new())
}

/// Adds a snippet.
///
/// # Errors
/// When its name is taken or not one, or its text is not valid.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: SnippetInput,
) -> Result<SnippetView, OutreachError> {
    if !is_name(&input.name) {
        let rule = format!("Use 1 to {LONGEST_NAME} small letters, digits, hyphens and underscores.");
        return Err(OutreachError::invalid("name", rule));
    }
    let (id, now, actor) = (ctx.id::<SnippetId>(), ctx.now(), actor.reference());
    store
        .write(move |tx| {
            tx.lock_snippets(workspace_id)?;
            check(tx, workspace_id, &input.name, &input.body)?;
            if tx.snippets(workspace_id)?.len() >= MOST {
                return Err(OutreachError::invalid("name", format!("There are {MOST} snippets already. Remove one.")));
            }
            let id = tx.insert_snippet(workspace_id, id, &input.name, &input.body, &actor, now)?;
            found(tx, workspace_id, id.ok_or(OutreachError::SnippetTaken)?)
        })
        .await
}

/// Adds a version to a snippet.
///
/// # Errors
/// When there is no such snippet, its text is not valid, or somebody else has changed it meanwhile.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: SnippetId,
    change: SnippetChange,
) -> Result<SnippetView, OutreachError> {
    let (now, actor) = (ctx.now(), actor.reference());
    store
        .write(move |tx| {
            tx.lock_snippets(workspace_id)?;
            let known = found(tx, workspace_id, id)?;
            check(tx, workspace_id, &known.name, &change.body)?;
            if !tx.add_snippet_version(workspace_id, (id, change.version), &change.body, &actor, now)? {
                return Err(OutreachError::ChangedMeanwhile);
            }
            found(tx, workspace_id, id)
        })
        .await
}

/// The versions of a snippet, newest first.
///
/// # Errors
/// When there is no such snippet.
pub async fn versions(
    store: &Store,
    workspace_id: WorkspaceId,
    id: SnippetId,
) -> Result<Vec<SnippetVersionView>, OutreachError> {
    store
        .read(move |tx| {
            found(tx, workspace_id, id)?;
            Ok(tx.snippet_versions(workspace_id, id)?)
        })
        .await
}

/// Where a snippet is used.
///
/// # Errors
/// When there is no such snippet.
pub async fn uses(store: &Store, workspace_id: WorkspaceId, id: SnippetId) -> Result<SnippetUses, OutreachError> {
    store
        .read(move |tx| {
            let snippet = found(tx, workspace_id, id)?;
            uses_in(tx, workspace_id, &snippet)
        })
        .await
}

fn uses_in(tx: &mut Tx<'_>, workspace_id: WorkspaceId, snippet: &SnippetView) -> Result<SnippetUses, OutreachError> {
    let includes_it = |text: &str| includes(text).is_ok_and(|names| names.contains(&snippet.name.as_str()));
    let mut uses = SnippetUses::default();
    for draft in tx.drafts_that_include(workspace_id)? {
        let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
        let variants: Vec<Variant> = serde_json::from_str(&draft.variants).map_err(corrupt)?;
        let texts: Vec<LocaleText> = serde_json::from_str(&draft.texts).map_err(corrupt)?;
        let of_variants = variants
            .iter()
            .any(|variant| includes_it(&variant.body) || variant.texts.iter().any(|text| includes_it(&text.body)));
        if includes_it(&draft.body) || of_variants || texts.iter().any(|text| includes_it(&text.body)) {
            uses.campaigns.push(SnippetCampaign {
                campaign_id: draft.campaign_id,
                name: draft.name,
                state: CampaignState::Draft,
                version: None,
            });
        }
    }
    uses.campaigns.extend(tx.campaigns_with_snippet(workspace_id, snippet.id)?.into_iter().map(|pinned| {
        SnippetCampaign {
            campaign_id: pinned.campaign_id,
            name: pinned.name,
            state: pinned.state,
            version: Some(pinned.version),
        }
    }));
    let others = tx.snippets(workspace_id)?;
    uses.snippets = others.into_iter().filter(|other| includes_it(&other.body)).map(|other| other.name).collect();
    Ok(uses)
}

/// Takes a snippet away; its versions stay for what was sent with them.
///
/// # Errors
/// When there is no such snippet, or it is used by a draft, by a campaign that has not ended, or by another snippet.
pub async fn remove(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, id: SnippetId) -> Result<(), OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.lock_snippets(workspace_id)?;
            let snippet = found(tx, workspace_id, id)?;
            let uses = uses_in(tx, workspace_id, &snippet)?;
            let campaigns = uses.campaigns.iter().filter(|campaign| !campaign.state.is_ended());
            let campaigns = campaigns.map(|campaign| format!("the campaign '{}'", campaign.name));
            let snippets = uses.snippets.iter().map(|name| format!("the snippet '{name}'"));
            let used: Vec<String> = campaigns.chain(snippets).collect();
            if !used.is_empty() {
                return Err(OutreachError::SnippetUsed(used));
            }
            tx.remove_snippet(workspace_id, id, now)?;
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> BTreeMap<String, String> {
        let snippet = |name: &str, body: &str| (name.to_owned(), body.to_owned());
        BTreeMap::from([
            snippet("end", "Bye. {% include 'legal' %}"),
            snippet("legal", "STOP to end"),
            snippet("loop", "{% include \"pool\" %}"),
            snippet("pool", "{%- include 'loop' -%}"),
        ])
    }

    #[test]
    fn what_is_included_is_read_off_the_text() {
        let library = library();
        let of = |text| included([text].into_iter(), &library);
        assert_eq!(of("{%- include \"end\" -%} {% include 'end' %}").unwrap(), ["legal", "end"]);
        assert!(of("{{ include }} include \"end\"").unwrap().is_empty());
        for (text, why) in [
            ("{% include 'nope' %}", "no snippet named"),
            ("{% include 'loop' %}", "include itself"),
            ("{% include first_name %}", "in quotes"),
            ("{% include ['end'] %}", "in quotes"),
            ("{% include 'end' ignore missing %}", "in quotes"),
            ("{% extends 'end' %}", "cannot use"),
            ("{% from 'end' import x %}", "cannot use"),
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

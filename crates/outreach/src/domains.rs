//! Host names of a workspace's own for short links.
//!
//! Carriers distrust links on shared hosts, so each brand gets its own. Its DNS points to Segue and its TLS ends in
//! front of Segue; that this is so is shown by a request for an address that only the workspace knows, which arrives
//! under that name. Until then no text carries it.

use segue_model::{Ctx, LinkDomainId, WorkspaceId};
use segue_store::{
    Store, Tx,
    link::{LinkDomainView, LinkSettings},
};

use crate::{Links, OutreachError, redirect::LINK_LIFE};

/// Campaigns that are named in one sentence at most.
const NAMED: usize = 5;

/// The workspace's host names.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<LinkDomainView>, OutreachError> {
    store.read(move |tx| Ok(tx.link_domains(workspace_id)?)).await
}

/// Adds a host name.
///
/// # Errors
/// When it is not one, or somebody's already.
pub async fn add(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    host: &str,
) -> Result<LinkDomainView, OutreachError> {
    let host = clean(host)?;
    let (id, now) = (ctx.id::<LinkDomainId>(), ctx.now());
    let token = ctx.random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    store
        .write(move |tx| {
            if !tx.insert_link_domain(workspace_id, id, &host, &token, now)? {
                return Err(OutreachError::invalid("host", "This host name is in use already."));
            }
            found(tx, workspace_id, id)
        })
        .await
}

fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: LinkDomainId) -> Result<LinkDomainView, OutreachError> {
    let known = tx.link_domains(workspace_id)?.into_iter().find(|domain| domain.id == id);
    known.ok_or(OutreachError::NotFound("host name"))
}

/// A host name in lower case, out of whatever people paste.
fn clean(text: &str) -> Result<String, OutreachError> {
    let text = text.trim().to_lowercase();
    let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).trim_end_matches(['/', '.']);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_number = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if host.len() > 253 || !host.contains('.') || is_number || !host.split('.').all(is_label) {
        return Err(OutreachError::invalid(
            "host",
            "Write a host name such as go.example.com, without a path or port. Names with letters beyond a to z are \
             written in their xn-- form.",
        ));
    }
    Ok(host.to_owned())
}

/// Makes a verified host name the one that links stand on by default. Campaigns that are there already, drafts too, keep the
/// one that they stand on.
///
/// # Errors
/// When there is no such one, or it is not verified.
pub async fn make_default(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: LinkDomainId,
) -> Result<LinkDomainView, OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            if found(tx, workspace_id, id)?.verified_at.is_none() {
                let why = "It is not known yet whether this host name leads here. Verify it first.";
                return Err(OutreachError::invalid("id", why));
            }
            let before = tx.link_domains(workspace_id)?.into_iter().find(|domain| domain.is_default);
            let before = before.map(|domain| domain.id);
            if before != Some(id) {
                for (campaign_id, ..) in tx.campaigns_on_domain(workspace_id, (None, true), LINK_LIFE, now)? {
                    // Somebody may be changing its other settings.
                    tx.lock_campaign(campaign_id)?;
                    let settings = tx.link_settings(workspace_id, campaign_id)?.settings;
                    let settings = LinkSettings { domain_id: before, on_base: before.is_none(), ..settings };
                    tx.put_link_settings(workspace_id, campaign_id, &settings)?;
                }
            }
            tx.set_default_link_domain(workspace_id, Some(id))?;
            found(tx, workspace_id, id)
        })
        .await
}

/// Removes a host name.
///
/// # Errors
/// When there is no such one, or links of campaigns stand on it that have not ended.
pub async fn remove(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: LinkDomainId,
) -> Result<(), OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            let is_default = found(tx, workspace_id, id)?.is_default;
            let users = tx.campaigns_on_domain(workspace_id, (Some(id), is_default), LINK_LIFE, now)?;
            let users: Vec<String> = users.into_iter().filter(|(.., keeps)| *keeps).map(|(_, name, _)| name).collect();
            if !users.is_empty() {
                return Err(OutreachError::DomainInUse(in_words(users.into_iter())));
            }
            tx.delete_link_domain(workspace_id, id)?;
            Ok(())
        })
        .await
}

/// Campaigns by name, the first of many. Runs of a recurring one have one name.
fn in_words(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// Notes that a host name leads here, since this token was asked for under it. `false` when they do not belong together.
///
/// # Errors
/// When the store fails.
pub async fn verify(store: &Store, ctx: &Ctx, token: &str, host: &str) -> Result<bool, OutreachError> {
    let (token, host, now) = (token.to_owned(), host.to_lowercase(), ctx.now());
    store.write(move |tx| Ok(tx.verify_link_domain(&token, &host, now)?)).await
}

/// Links on the host name of a campaign: the chosen one, else the workspace's default one unless they stay on the
/// installation's, else the installation's.
///
/// # Errors
/// When the store fails.
pub(crate) fn links_of(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    settings: &LinkSettings,
) -> Result<Links, OutreachError> {
    let domains = tx.link_domains(workspace_id)?;
    let chosen = domains.iter().find(|domain| Some(domain.id) == settings.domain_id);
    let usual = domains.iter().find(|domain| domain.is_default && !settings.on_base);
    let domain = chosen.or(usual);
    Ok(match domain.filter(|domain| domain.verified_at.is_some()) {
        Some(domain) => links.on(format!("https://{}", domain.host)),
        None => links.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_as_people_paste_them() {
        for (pasted, expected) in [
            ("go.example.com", Some("go.example.com")),
            (" HTTPS://Go.Example.com/ ", Some("go.example.com")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("go.example.com.", Some("go.example.com")),
            ("localhost", None),
            ("192.0.2.1", None),
            ("go.example.com:8080", None),
            ("go.example.com/x", None),
            ("-a.example", None),
            ("a..example", None),
            ("b\u{fc}cher.example", None),
            ("", None),
        ] {
            assert_eq!(clean(pasted).ok().as_deref(), expected, "{pasted}");
        }
    }
}

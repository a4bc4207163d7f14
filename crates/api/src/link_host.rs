//! A host name of its own for short links: it serves links and nothing else, so that a link in a text never leads into
//! the console, and a cookie of the console never goes there.
//!
//! The same holds for the host names that workspaces have for their links. Those are in memory ([`LinkDomains`]): a host
//! name that is the console's own is never one of them, so where that is not known none is. Providers may call a webhook
//! under any name that leads here.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::header;
use segue_delivery::file_address::PATH;
use segue_store::{Store, StoreError};

use crate::{ApiConfig, AppState, links};

/// Answers 404 to everything but links on the link host.
pub(crate) async fn restrict(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Links themselves do not come this way.
    if is_on_it(&state.config, &request) || is_on_domain(&state, &request) {
        return links::unknown_page();
    }
    next.run(request).await
}

/// Host names of workspaces that serve short links, as far as they are verified.
#[derive(Default)]
pub(crate) struct LinkDomains(RwLock<Arc<HashSet<String>>>);

impl LinkDomains {
    /// Reads them anew. When the store does not answer, what is known counts on.
    pub(crate) async fn read(&self, store: &Store) {
        match store.read::<_, StoreError, _>(|tx| tx.verified_link_hosts()).await {
            Ok(hosts) => {
                let hosts = Arc::new(hosts.into_iter().collect());
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = hosts;
            }
            Err(error) => tracing::warn!(%error, "the host names for links could not be read"),
        }
    }

    fn contains(&self, host: &str) -> bool {
        let hosts = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        !hosts.is_empty() && hosts.contains(&host.to_ascii_lowercase())
    }
}

/// Whether a request was made to a workspace's host name for links, and is none that a provider makes.
fn is_on_domain(state: &AppState, request: &Request) -> bool {
    let (host, path) = (host_of(request), request.uri().path());
    let is_of_provider = path.starts_with("/webhooks/") || path.starts_with(PATH);
    let is_elsewhere = state.config.public_host().is_some_and(|own| !host.eq_ignore_ascii_case(own));
    is_elsewhere && !is_of_provider && state.link_domains.contains(host)
}

/// Whether a request was made to the link host.
pub(crate) fn is_on_it(config: &ApiConfig, request: &Request) -> bool {
    config.link_host.as_deref().is_some_and(|link_host| host_of(request).eq_ignore_ascii_case(link_host))
}

/// The name a request was made to, without its port.
pub(crate) fn host_of(request: &Request) -> &str {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default();
    host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(name, _)| name)
}

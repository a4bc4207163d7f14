//! Protection of people's logins against requests that other sites make in their browsers.
//!
//! Two walls, either of which is enough: an unsafe request that comes with the cookie needs the header
//! `X-Segue-Csrf: 1`, which another site cannot set without a preflight that we do not answer; and what the browser says
//! about the page the request comes from (`Sec-Fetch-Site`, `Origin`) must not name another site.

use http::{HeaderMap, Method, StatusCode, Uri, header};

use crate::{caller::Credential, problem::Problem, state::ApiConfig};

/// Header that a cookie-authenticated unsafe request carries.
pub const CSRF_HEADER: &str = "x-segue-csrf";

/// Refuses an unsafe request that may come from another site.
///
/// # Errors
/// 403.
pub(crate) fn check(
    config: &ApiConfig,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    credential: Option<&Credential>,
) -> Result<(), Problem> {
    if method.is_safe() || matches!(credential, Some(Credential::Key(_))) {
        return Ok(());
    }
    if !is_same_origin(config, uri, headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "The request comes from another site. Use Segue at its own address; behind a proxy, set `public_origin`.",
        ));
    }
    let marked = headers.get(CSRF_HEADER).is_some_and(|value| value == "1");
    if matches!(credential, Some(Credential::Cookie(_))) && !marked {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "csrf_header_missing",
            "Changes made with a login cookie need the header X-Segue-Csrf: 1. Programs use an API key instead.",
        ));
    }
    Ok(())
}

fn is_same_origin(config: &ApiConfig, uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    if let Some(site) = text("sec-fetch-site") {
        if site == "same-origin" || site == "none" {
            return true;
        }
        // A page of the configured public origin may call through a proxy under another name; anything else may not.
        return site != "cross-site" && names_public_origin(config, text("origin"));
    }
    let Some(origin) = text("origin") else {
        // No browser: browsers send at least one of the two with unsafe requests.
        return true;
    };
    if names_public_origin(config, Some(origin)) {
        return true;
    }
    let host = text(header::HOST.as_str()).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    origin
        .split_once("://")
        .map(|(_, authority)| authority)
        .is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
}

fn names_public_origin(config: &ApiConfig, origin: Option<&str>) -> bool {
    config
        .public_origin
        .as_deref()
        .zip(origin)
        .is_some_and(|(ours, theirs)| ours.trim_end_matches('/').eq_ignore_ascii_case(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(public_origin: Option<&str>, pairs: &[(&'static str, &'static str)]) -> bool {
        let config = ApiConfig { public_origin: public_origin.map(str::to_owned), ..ApiConfig::default() };
        let headers = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        let cookie = Credential::Cookie("x".to_owned());
        check(&config, &Method::POST, &Uri::from_static("/api/v1/logout"), &headers, Some(&cookie)).is_ok()
    }

    #[test]
    fn what_the_browser_says_decides() {
        let mark = ("x-segue-csrf", "1");
        assert!(allowed(None, &[mark]));
        assert!(!allowed(None, &[]));
        assert!(!allowed(None, &[("x-segue-csrf", "0")]));
        assert!(allowed(None, &[mark, ("sec-fetch-site", "same-origin")]));
        for site in ["cross-site", "same-site", "nonsense"] {
            let site: &'static str = site;
            assert!(!allowed(None, &[mark, ("sec-fetch-site", site)]), "{site}");
        }
        let host = ("host", "segue.test");
        assert!(allowed(None, &[mark, host, ("origin", "https://segue.test")]));
        assert!(!allowed(None, &[mark, host, ("origin", "https://evil.test")]));
        assert!(!allowed(None, &[mark, host, ("origin", "null")]));
        assert!(!allowed(None, &[mark, host, ("origin", "https://segue.test.evil.test")]));
        assert!(allowed(Some("https://segue.example/"), &[mark, host, ("origin", "https://segue.example")]));
    }
}

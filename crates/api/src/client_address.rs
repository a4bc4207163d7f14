//! The address a request comes from, for limits per address.
//!
//! Anybody can write `X-Forwarded-For`, so it is read only when the server is told of a proxy in front, and then only its
//! last entry, which is the one that proxy has added. Where that is no address, the proxy counts as the caller: too many
//! share a limit, and nobody escapes it.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Once,
};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{Extensions, HeaderMap, request::Parts};

use crate::{
    AppState,
    state::{ApiConfig, Forwarded},
};

/// The address that tries to sign in are counted by: none behind a proxy that the server was not told of, since everybody
/// has its address then. That is only believed of one in the same network: a stranger cannot write the limit away.
pub(crate) struct CountedAddress(pub(crate) Option<IpAddr>);

impl FromRequestParts<AppState> for CountedAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(counted(&state.config, &parts.headers, &parts.extensions)))
    }
}

fn counted(config: &ApiConfig, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    static TOLD: Once = Once::new();
    let address = of(config, headers, extensions);
    let is_near = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xfe00 == 0xfc00 || v6.segments()[..4] == [0; 4],
    };
    if config.forwarded == Forwarded::Ignore && is_near && headers.contains_key("x-forwarded-for") {
        TOLD.call_once(|| {
            tracing::warn!(
                "a proxy stands in front, and its addresses are not read; set SEGUE_CALLER_ADDRESS=forwarded"
            );
        });
        return None;
    }
    Some(address)
}

/// The address that a request with these headers and extensions comes from; the unspecified one when the server does not
/// tell (in tests).
pub(crate) fn of(config: &ApiConfig, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    let forwarded = match config.forwarded {
        Forwarded::Ignore => None,
        Forwarded::TrustLast => headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.rsplit(',').next())
            .and_then(|text| text.trim().parse().ok()),
    };
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    bucket(forwarded.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// One household or server has a whole IPv6 /64, so that counts as one address.
fn bucket(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::HeaderName};

    use super::*;

    const PROXY: [u8; 4] = [10, 0, 0, 1];

    #[test]
    fn whom_a_proxy_that_was_not_told_of_brings_is_not_counted_by_its_address() {
        let address = |forwarded, peer: [u8; 4], is_forwarded: bool| {
            let config = ApiConfig { forwarded, ..ApiConfig::default() };
            let mut headers = HeaderMap::new();
            if is_forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.7"));
            }
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::from((peer, 4_711))));
            counted(&config, &headers, &extensions).map(|address| address.to_string())
        };
        assert_eq!(address(Forwarded::Ignore, PROXY, true), None);
        assert_eq!(address(Forwarded::Ignore, PROXY, false).as_deref(), Some("10.0.0.1"));
        assert_eq!(address(Forwarded::TrustLast, PROXY, true).as_deref(), Some("198.51.100.7"));
        // Whoever comes from afar is counted, whatever they write.
        assert_eq!(address(Forwarded::Ignore, [203, 0, 113, 9], true).as_deref(), Some("203.0.113.9"));
    }

    fn seen(forwarded: Forwarded, entries: &[&str]) -> String {
        let config = ApiConfig { forwarded, ..ApiConfig::default() };
        let mut headers = HeaderMap::new();
        for entry in entries {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(entry).unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from((PROXY, 4_711))));
        of(&config, &headers, &extensions).to_string()
    }

    #[test]
    fn a_header_that_anybody_can_write_counts_for_nothing_by_itself() {
        assert_eq!(ApiConfig::default().forwarded, Forwarded::Ignore);
        assert_eq!(seen(Forwarded::Ignore, &["198.51.100.7"]), "10.0.0.1");
    }

    #[test]
    fn behind_a_proxy_the_last_entry_is_the_caller_whatever_stands_before_it() {
        for entries in [&["198.51.100.7"][..], &["203.0.113.1, 198.51.100.7"], &["203.0.113.1", "198.51.100.7"]] {
            assert_eq!(seen(Forwarded::TrustLast, entries), "198.51.100.7", "{entries:?}");
        }
        // A whole /64 is one caller.
        assert_eq!(seen(Forwarded::TrustLast, &["2001:db8:1:2:3:4:5:6"]), "2001:db8:1:2::");
        assert_eq!(seen(Forwarded::TrustLast, &["::ffff:198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn without_an_address_in_the_last_entry_the_proxy_is_the_caller() {
        for entries in [&[][..], &[""], &["198.51.100.7,"], &["198.51.100.7, unknown"], &["198.51.100.7", "x"]] {
            assert_eq!(seen(Forwarded::TrustLast, entries), "10.0.0.1", "{entries:?}");
        }
    }
}

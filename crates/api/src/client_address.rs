//! The address a request comes from, for limits per address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap};

use crate::state::{ApiConfig, Forwarded};

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

//! Requests to addresses that somebody gave us: callbacks of programs. Such an address must not lead into our own network.
//!
//! The name is resolved once, every address it has must be public, and the connection goes to those very addresses. It is
//! checked at each use and not when it is stored: a name can lead elsewhere later. No redirects, no proxy, no
//! credentials. The reserved networks are those of the IANA special-purpose registries.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::{
    RequestBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};

use crate::http::{HttpLimits, HttpSetupError, client_builder};

/// Ports that a public callback may have.
const PORTS: [u16; 3] = [80, 443, 8443];

/// Where requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Public addresses on the usual ports.
    #[default]
    Public,
    /// Anywhere, this machine included: for tests, and for programs in the same network.
    Anywhere,
}

/// An address that nothing is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenAddress {
    #[error("The address is not an http:// or https:// URL.")]
    NotHttp,
    #[error("The address has a user name or password in it.")]
    WithCredentials,
    #[error("The address has another port than 80, 443 and 8443.")]
    Port,
    #[error("The address leads into a private network.")]
    Private,
}

/// How often an address may lead elsewhere.
const MOST_STEPS: usize = 3;

/// Something could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    #[error(transparent)]
    Forbidden(#[from] ForbiddenAddress),
    #[error("Nobody answers there.")]
    NoAnswer,
    #[error("The answer was HTTP {0}.")]
    Refused(u16),
    #[error("The address leads on too often.")]
    TooManySteps,
    #[error("It is larger than {0} MB.")]
    TooLarge(u64),
}

impl FetchFailure {
    /// A name that leads into a private network is refused by the resolver, deep in the error.
    fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(one) = cause {
            let inner = one.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(forbidden) = inner.and_then(|inner| inner.downcast_ref::<ForbiddenAddress>()) {
                return Self::Forbidden(*forbidden);
            }
            cause = one.source();
        }
        Self::NoAnswer
    }
}

/// The body of an answer, when it is not longer than `most`: what it says of its length is not believed.
pub(crate) async fn read_limited(mut answer: reqwest::Response, most: u64) -> Result<Vec<u8>, FetchFailure> {
    let too_large = || FetchFailure::TooLarge(most >> 20);
    if answer.content_length().is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut data = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(|_| FetchFailure::NoAnswer)? {
        if (data.len() + bytes.len()) as u64 > most {
            return Err(too_large());
        }
        data.extend_from_slice(&bytes);
    }
    Ok(data)
}

/// A client for addresses that somebody gave us.
#[derive(Clone)]
pub struct OutgoingClient {
    http: reqwest::Client,
    reach: Reach,
}

impl OutgoingClient {
    /// A client that goes as far as `reach`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(limits: HttpLimits, reach: Reach) -> Result<Self, HttpSetupError> {
        let builder = client_builder(limits)?;
        let builder = match reach {
            Reach::Public => builder.dns_resolver(PublicOnly),
            Reach::Anywhere => builder,
        };
        let http = builder.build().map_err(|error| HttpSetupError::new(&error))?;
        Ok(Self { http, reach })
    }

    /// A POST to an address, when it may be sent there.
    ///
    /// # Errors
    /// Why nothing is sent there.
    pub fn post(&self, url: &str) -> Result<RequestBuilder, ForbiddenAddress> {
        Ok(self.http.post(check(url, self.reach)?))
    }

    /// What is at an address, at most `most` bytes. Where it leads elsewhere, that address is checked like the first.
    ///
    /// # Errors
    /// When nothing may be called there, or it does not give what was asked for.
    pub async fn fetch(&self, url: &str, most: u64) -> Result<Vec<u8>, FetchFailure> {
        let mut url = check(url, self.reach)?;
        for _ in 0..=MOST_STEPS {
            let answer = self.http.get(url.clone()).send().await.map_err(|error| FetchFailure::of(&error))?;
            let status = answer.status();
            if status.is_success() {
                return read_limited(answer, most).await;
            }
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            let next = to.filter(|_| status.is_redirection()).and_then(|to| url.join(to).ok());
            url = match next {
                Some(next) => check(next.as_str(), self.reach)?,
                None => return Err(FetchFailure::Refused(status.as_u16())),
            };
        }
        Err(FetchFailure::TooManySteps)
    }
}

/// Whether an address may be called, as far as it can be told without resolving its name.
///
/// # Errors
/// Why not.
pub fn check(url: &str, reach: Reach) -> Result<Url, ForbiddenAddress> {
    let url = Url::parse(url.trim()).map_err(|_| ForbiddenAddress::NotHttp)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(ForbiddenAddress::NotHttp);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ForbiddenAddress::WithCredentials);
    }
    if reach == Reach::Anywhere {
        return Ok(url);
    }
    if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(ForbiddenAddress::Port);
    }
    // An address written as such is never resolved.
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if literal.is_ok_and(|address| !is_public(address)) {
        return Err(ForbiddenAddress::Private);
    }
    Ok(url)
}

/// Resolves names whose every address is public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            only_public(found).map(|found| Box::new(found.into_iter()) as Addrs).map_err(Into::into)
        })
    }
}

/// All addresses, when each of them is public: one private address among them is an attack or a mistake.
fn only_public(found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    if found.iter().all(|address| is_public(address.ip())) {
        return Ok(found);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, ForbiddenAddress::Private))
}

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped, compatible, and translated (NAT64) addresses of IPv4, and 6to4.
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xFF9B, 1, ..] => false,
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, documentation, benchmarking, discard.
        [0x2001, second, ..] if second < 0x200 || second == 0xDB8 => false,
        [0x3FFF, ..] | [0x100, 0, 0, 0, ..] => false,
        // Only 2000::/3 is given out; unique-local, link-local and multicast lie outside.
        [first, ..] => first & 0xE000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_writing() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "192.0.2.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::a00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[2002:a00:1::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2001:2::1]",
            "[100::1]",
            "[3fff::1]",
        ] {
            assert_eq!(check(&format!("http://{host}/x"), Reach::Public), Err(ForbiddenAddress::Private), "{host}");
            assert!(check(&format!("http://{host}/x"), Reach::Anywhere).is_ok(), "{host}");
        }
    }

    #[test]
    fn addresses_that_are_no_callbacks() {
        for (url, why) in [
            ("ftp://example.com/", ForbiddenAddress::NotHttp),
            ("file:///etc/passwd", ForbiddenAddress::NotHttp),
            ("gopher://example.com/", ForbiddenAddress::NotHttp),
            ("javascript:alert(1)", ForbiddenAddress::NotHttp),
            ("example.com/callback", ForbiddenAddress::NotHttp),
            ("", ForbiddenAddress::NotHttp),
            ("http://", ForbiddenAddress::NotHttp),
            ("http://user:pass@example.com/", ForbiddenAddress::WithCredentials),
            ("http://example.com@127.0.0.1/", ForbiddenAddress::WithCredentials),
            ("http://example.com:22/", ForbiddenAddress::Port),
            ("http://example.com:6379/", ForbiddenAddress::Port),
            ("https://8.8.8.8:53/", ForbiddenAddress::Port),
        ] {
            assert_eq!(check(url, Reach::Public), Err(why), "{url}");
        }
        for url in
            ["https://example.com/a?b=c", "http://8.8.8.8/", "https://example.com:8443/", "http://[2606:4700::1]/"]
        {
            assert!(check(url, Reach::Public).is_ok(), "{url}");
        }
    }

    #[test]
    fn one_private_address_among_public_ones_is_refused() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        assert!(only_public(vec![at("8.8.8.8"), at("1.1.1.1")]).is_ok());
        assert!(only_public(vec![at("8.8.8.8"), at("127.0.0.1")]).is_err());
        assert!(only_public(vec![at("8.8.8.8"), at("fd00:ec2::254")]).is_err());
    }

    /// Answers each request with one of these heads, in turn.
    async fn server(answers: Vec<String>) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}")
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn moved(to: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    #[tokio::test]
    async fn what_is_fetched_is_bounded_and_each_step_is_checked() {
        let anywhere = OutgoingClient::new(HttpLimits::default(), Reach::Anywhere).unwrap();
        let url = server(vec![moved("/there"), ok("hello")]).await;
        assert_eq!(anywhere.fetch(&url, 5).await.unwrap(), b"hello");
        let url = server(vec![ok("hello")]).await;
        assert_eq!(anywhere.fetch(&url, 4).await, Err(FetchFailure::TooLarge(0)));
        let unsaid = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello".to_owned();
        let url = server(vec![unsaid]).await;
        assert_eq!(anywhere.fetch(&url, 4).await, Err(FetchFailure::TooLarge(0)), "a length that is not told");
        let url = server(vec![moved("file:///etc/passwd")]).await;
        assert_eq!(anywhere.fetch(&url, 5).await, Err(ForbiddenAddress::NotHttp.into()));
        let url = server(vec![moved("/a"), moved("/b"), moved("/c"), moved("/d")]).await;
        assert_eq!(anywhere.fetch(&url, 5).await, Err(FetchFailure::TooManySteps));
        let public = OutgoingClient::new(HttpLimits::default(), Reach::Public).unwrap();
        for private in ["http://127.0.0.1/x", "http://169.254.169.254/latest", "http://[::1]/x"] {
            assert_eq!(public.fetch(private, 5).await, Err(ForbiddenAddress::Private.into()), "{private}");
        }
        assert_eq!(public.fetch("http://localhost/x", 5).await, Err(ForbiddenAddress::Private.into()), "by its name");
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_called() {
        let client = OutgoingClient::new(HttpLimits::default(), Reach::Public).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert_eq!(client.post("http://127.0.0.1/x").err(), Some(ForbiddenAddress::Private));
        // The name is allowed as such; what it resolves to is not.
        let refused = client.post("http://localhost/x").unwrap().send().await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        drop(listener);
    }
}

//! Fetching the files of inbound messages.
//!
//! A webhook names where a file is, and whoever knows the account's token can write a webhook: so the account's
//! credentials go to the provider's own API address and nowhere else. The provider may lead on from there to where it
//! keeps files. That address is called like one that a stranger gave: by https, without credentials, and never into a
//! private network ([`crate::outgoing`]).

use reqwest::{Response, StatusCode, Url, header};

use super::{TwilioClient, TwilioConfig};
use crate::{
    http::HttpLimits,
    outgoing::{FetchFailure, OutgoingClient, Reach, read_limited},
};

/// A file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFailure {
    #[error("The file is not at the provider's own address, so it was not fetched.")]
    Foreign,
    #[error("The provider leads to an address that files are not fetched from.")]
    Forbidden,
    #[error("The provider has the file no more, or not yet.")]
    Gone,
    #[error("The provider does not give the file to this account (HTTP {0}). Check the account's auth token.")]
    Denied(u16),
    #[error("The provider could not be reached.")]
    NoAnswer,
    #[error("The provider did not give the file. {0}")]
    Unavailable(FetchFailure),
}

impl From<FetchFailure> for FileFailure {
    fn from(failure: FetchFailure) -> Self {
        match failure {
            FetchFailure::Forbidden(_) | FetchFailure::TooManySteps => Self::Forbidden,
            FetchFailure::NoAnswer => Self::NoAnswer,
            FetchFailure::Refused(404 | 410) => Self::Gone,
            other => Self::Unavailable(other),
        }
    }
}

/// Whether an address is one of the provider's API: with the credentials of the account nothing else is called.
fn is_own(config: &TwilioConfig, url: &Url) -> bool {
    let Ok(base) = Url::parse(&config.base_url) else { return false };
    url.origin() == base.origin() && url.username().is_empty() && url.password().is_none()
}

impl TwilioClient {
    /// The bytes of a file that a webhook named, at most `most`.
    ///
    /// # Errors
    /// When the address is not the provider's, or the provider does not give the file.
    pub async fn file(&self, url: &str, most: u64) -> Result<Vec<u8>, FileFailure> {
        let url = Url::parse(url).ok().filter(|url| is_own(self.config(), url)).ok_or(FileFailure::Foreign)?;
        let answer = self.with_credentials(&url).send().await.map_err(|_| FileFailure::NoAnswer)?;
        match answer.status() {
            status if status.is_success() => Ok(read_limited(answer, most).await?),
            status if status.is_redirection() => Ok(elsewhere(&leads_on(&answer, &url)?, most).await?),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FileFailure::Gone),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(FileFailure::Denied(status.as_u16())),
            status => Err(FetchFailure::Refused(status.as_u16()).into()),
        }
    }
}

/// Where the provider keeps a file: by https, as it is not known whose address it is.
fn leads_on(answer: &Response, from: &Url) -> Result<Url, FileFailure> {
    let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let to = to.and_then(|to| from.join(to).ok()).filter(|to| to.scheme() == "https");
    to.ok_or(FileFailure::Forbidden)
}

async fn elsewhere(url: &Url, most: u64) -> Result<Vec<u8>, FileFailure> {
    let client = OutgoingClient::new(HttpLimits::default(), Reach::Public).map_err(|_| FileFailure::NoAnswer)?;
    Ok(client.fetch(url.as_str(), most).await?)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn client(base_url: &str) -> TwilioClient {
        TwilioClient::new(TwilioConfig {
            base_url: base_url.to_owned(),
            account_sid: "AC00".to_owned(),
            auth_token: "secret".to_owned(),
            messaging_service_sid: None,
            segments_per_second: 1,
            limits: HttpLimits::default(),
        })
        .unwrap()
    }

    /// Answers one request, and gives what it was.
    async fn provider(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (base, asked)
    }

    #[tokio::test]
    async fn credentials_go_to_the_providers_own_address_alone() {
        // Whoever is called answers nothing here: what is refused is refused before.
        for url in [
            "https://api.twilio.com.evil.example/ME1",
            "http://api.twilio.com/ME1",
            "https://api.twilio.com:444/ME1",
            "https://user:pass@api.twilio.com/ME1",
            "https://evil.example/api.twilio.com",
            "https://169.254.169.254/latest/meta-data",
            "http://127.0.0.1/ME1",
            "file:///etc/passwd",
            "ME1",
        ] {
            assert_eq!(client("https://api.twilio.com").file(url, 1).await, Err(FileFailure::Foreign), "{url}");
        }
        let (base, asked) = provider("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc").await;
        assert_eq!(client(&base).file(&format!("{base}/ME1"), 3).await.unwrap(), b"abc");
        assert!(asked.await.unwrap().to_ascii_lowercase().contains("authorization: basic "));
    }

    #[tokio::test]
    async fn where_the_provider_leads_is_public_and_by_https() {
        for (to, why) in [
            ("https://127.0.0.1/x", FileFailure::Forbidden),
            ("https://169.254.169.254/latest", FileFailure::Forbidden),
            ("https://localhost/x", FileFailure::Forbidden),
            ("http://example.com/x", FileFailure::Forbidden),
            ("https://a:b@example.com/x", FileFailure::Forbidden),
            ("https://example.com:22/x", FileFailure::Forbidden),
        ] {
            let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            let (base, _) = provider(Box::leak(answer.into_boxed_str())).await;
            assert_eq!(client(&base).file(&format!("{base}/ME1"), 3).await, Err(why), "{to}");
        }
    }

    #[tokio::test]
    async fn answers_are_told_apart_and_a_large_file_is_not_read() {
        for (answer, why) in [
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", FileFailure::Gone),
            ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", FileFailure::Denied(401)),
            (
                "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
                FileFailure::Unavailable(FetchFailure::Refused(500)),
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd", FileFailure::Unavailable(FetchFailure::TooLarge(0))),
        ] {
            let (base, _) = provider(answer).await;
            assert_eq!(client(&base).file(&format!("{base}/ME1"), 3).await, Err(why));
        }
    }
}

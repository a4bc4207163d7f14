//! Files to and from WhatsApp.
//!
//! An inbound file lives seven days and its address five minutes: look it up and download in one go, never store the
//! address. The address comes from an answer, so the token goes along only to known hosts.

use std::time::Duration;

use base64::Engine;
use reqwest::{
    Method, StatusCode, Url,
    multipart::{Form, Part},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    client::{GraphClient, GraphFailure, plain, read_limited},
    content::MediaKind,
    lenient::{integer, text},
};

const MIB: u64 = 1 << 20;

/// What WhatsApp says about a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// Media id.
    pub id: String,
    /// Where to download it within five minutes.
    pub url: String,
    /// MIME type.
    pub mime_type: Option<String>,
    /// SHA-256, in hexadecimal or base64.
    pub sha256: Option<String>,
    /// Octets.
    pub size: Option<u64>,
}

crate::debug::redacted_debug!(MediaInfo);

/// A file could not be moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// WhatsApp does not take this type.
    #[error("WhatsApp does not take files of the type {0}.")]
    Type(String),
    /// Larger than allowed.
    #[error("The file is larger than the {most_mib} MiB that are allowed.")]
    TooLarge {
        /// The limit, rounded up.
        most_mib: u64,
    },
    /// No content.
    #[error("The file is empty.")]
    Empty,
    /// The address is not WhatsApp's; the token was not sent there.
    #[error("The file's address is not one of WhatsApp's hosts, so it was not opened.")]
    ForeignHost,
    /// The address or the file is gone.
    #[error("The file's address has expired. Look it up again; after seven days the file is gone.")]
    Expired,
    /// Another content than announced.
    #[error("The file's content does not fit its checksum.")]
    Checksum,
    /// The request failed.
    #[error(transparent)]
    Graph(#[from] GraphFailure),
}

/// How long a file may take: half a minute and a second for each MiB.
pub(super) fn transfer_time(size: u64) -> Duration {
    Duration::from_secs(30 + size / MIB)
}

/// The same for a file of a message. The largest takes longer than a message is claimed for, so it ends a little before
/// that.
fn upload_time(size: u64) -> Duration {
    transfer_time(size).min(Duration::from_secs(110))
}

/// The same for a file that a customer sent. Who fetches it claims it anew meanwhile, so only something wrong with the
/// line ends it.
fn download_time(size: u64) -> Duration {
    transfer_time(size).min(Duration::from_secs(600))
}

/// The kind of media a MIME type is sent as and its limit in octets. Parameters such as `codecs=opus` are ignored.
#[must_use]
pub fn media_limit(mime_type: &str) -> Option<(MediaKind, u64)> {
    let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match essence.as_str() {
        "image/jpeg" | "image/png" => (MediaKind::Image, 5 * MIB),
        // An animated sticker may be five times as large as a static one; WhatsApp tells them apart itself.
        "image/webp" => (MediaKind::Sticker, 500 << 10),
        "video/mp4" | "video/3gpp" => (MediaKind::Video, 16 * MIB),
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" => (MediaKind::Audio, 16 * MIB),
        other if other.split_once('/').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty()) => {
            (MediaKind::Document, 100 * MIB)
        }
        _ => return None,
    })
}

impl GraphClient {
    /// Uploads a file; the id lives thirty days.
    ///
    /// # Errors
    /// When the file breaks a limit or WhatsApp refuses it.
    pub async fn upload_media(&self, mime_type: &str, filename: &str, content: Vec<u8>) -> Result<String, MediaError> {
        let (_, most) = media_limit(mime_type).ok_or_else(|| MediaError::Type(mime_type.to_owned()))?;
        if content.is_empty() {
            return Err(MediaError::Empty);
        }
        if content.len() as u64 > most {
            return Err(MediaError::TooLarge { most_mib: most.div_ceil(MIB) });
        }
        let size = content.len() as u64;
        let part = Part::bytes(content)
            .file_name(filename.to_owned())
            .mime_str(mime_type)
            .map_err(|_| MediaError::Type(mime_type.to_owned()))?;
        let form =
            Form::new().text("messaging_product", "whatsapp").text("type", mime_type.to_owned()).part("file", part);
        let request = self.request(Method::POST, &[&self.config.phone_number_id, "media"])?;
        let request = request.multipart(form).timeout(upload_time(size));
        let answer = self.call(request).await?;
        text(&answer, "id").ok_or(MediaError::Graph(GraphFailure::Unreadable { status: 200 }))
    }

    /// Looks a file up.
    ///
    /// # Errors
    /// [`MediaError::Expired`] when WhatsApp no longer has it.
    pub async fn media_info(&self, media_id: &str) -> Result<MediaInfo, MediaError> {
        let query = [("phone_number_id", self.config.phone_number_id.as_str())];
        let request = self.request_with(Method::GET, &[media_id], &query)?;
        let answer = match self.call(request).await {
            Err(GraphFailure::Refused { status: 404, .. }) => return Err(MediaError::Expired),
            answer => answer?,
        };
        let url = text(&answer, "url").ok_or(GraphFailure::Unreadable { status: 200 })?;
        Ok(MediaInfo {
            id: text(&answer, "id").unwrap_or_else(|| media_id.to_owned()),
            url,
            mime_type: text(&answer, "mime_type"),
            sha256: text(&answer, "sha256"),
            size: integer(&answer, "file_size").and_then(|size| u64::try_from(size).ok()),
        })
    }

    /// Downloads a file of at most `most` octets and checks its checksum.
    ///
    /// # Errors
    /// [`MediaError::ForeignHost`] without any request when the address is not WhatsApp's.
    pub async fn download_media(&self, info: &MediaInfo, most: u64) -> Result<Vec<u8>, MediaError> {
        let too_large = MediaError::TooLarge { most_mib: most.div_ceil(MIB) };
        let url = self.trusted(&info.url).ok_or(MediaError::ForeignHost)?;
        if info.size.is_some_and(|size| size > most) {
            return Err(too_large);
        }
        // What does not say how large it is may be as large as it is let be.
        let time = download_time(info.size.unwrap_or(most));
        let request = self.get(url).bearer_auth(&self.config.access_token).timeout(time);
        let response = request.send().await.map_err(|error| GraphFailure::NoAnswer(plain(&error).to_owned()))?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(MediaError::Expired),
            status if !status.is_success() => {
                return Err(GraphFailure::Unreadable { status: status.as_u16() }.into());
            }
            _ => {}
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let content = match read_limited(response, most).await {
            Err(GraphFailure::Unreadable { .. }) => return Err(too_large),
            content => content?,
        };
        match &info.sha256 {
            Some(expected) if !is_digest_of(expected, &content) => Err(MediaError::Checksum),
            _ => Ok(content),
        }
    }

    /// The address, when the token may be sent there: the Graph API's own origin, or a media host over HTTPS.
    fn trusted(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        let base = Url::parse(&self.config.base_url).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let is_graph = matches!(url.scheme(), "http" | "https") && url.origin() == base.origin();
        let is_media_host = url.scheme() == "https"
            && url.port().is_none()
            && url.host_str().is_some_and(|host| self.config.media_hosts.iter().any(|known| known == host));
        (is_graph || is_media_host).then_some(url)
    }
}

/// Whether `expected`, in hexadecimal or base64, is the digest of `content`.
fn is_digest_of(expected: &str, content: &[u8]) -> bool {
    let digest = Sha256::digest(content);
    let by_hex = hex::decode(expected).is_ok_and(|claimed| claimed == digest.as_slice());
    by_hex
        || base64::engine::general_purpose::STANDARD.decode(expected).is_ok_and(|claimed| claimed == digest.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatsapp::GraphConfig;

    #[test]
    fn limits_by_type() {
        for (mime_type, kind, mib) in [
            ("image/jpeg", MediaKind::Image, 5),
            ("IMAGE/PNG", MediaKind::Image, 5),
            ("video/mp4", MediaKind::Video, 16),
            ("audio/ogg; codecs=opus", MediaKind::Audio, 16),
            ("application/pdf", MediaKind::Document, 100),
            ("text/csv", MediaKind::Document, 100),
        ] {
            assert_eq!(media_limit(mime_type), Some((kind, mib * MIB)), "{mime_type}");
        }
        assert_eq!(media_limit("image/webp"), Some((MediaKind::Sticker, 500 << 10)));
        assert_eq!(media_limit("nonsense"), None);
        assert_eq!(media_limit("/"), None);
    }

    #[test]
    fn the_token_goes_to_known_hosts_only() {
        let client = GraphClient::new(GraphConfig::new("v26.0", "token", "1", "2")).unwrap();
        let trusted = |address: &str| client.trusted(address).is_some();
        assert!(trusted("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1"));
        assert!(trusted("https://graph.facebook.com/v26.0/1"));
        for foreign in [
            "http://lookaside.fbsbx.com/x",
            "https://lookaside.fbsbx.com:8443/x",
            "https://lookaside.fbsbx.com.evil.example/x",
            "https://evil.example/lookaside.fbsbx.com",
            "https://lookaside.fbsbx.com@evil.example/x",
            "https://user:pass@lookaside.fbsbx.com/x",
            "http://graph.facebook.com/x",
            "https://graph.facebook.com:444/x",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "/relative",
            "",
        ] {
            assert!(!trusted(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_large_file_has_the_time_it_takes_on_an_ordinary_line() {
        let seconds = |time: Duration| time.as_secs();
        assert_eq!([0, 5, 100].map(|mib| seconds(download_time(mib * MIB))), [30, 35, 130]);
        assert_eq!([0, 5, 100].map(|mib| seconds(upload_time(mib * MIB))), [30, 35, 110], "before its claim runs out");
        assert_eq!(seconds(download_time(u64::MAX)), 600);
    }

    #[test]
    fn checksums_in_both_forms() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(is_digest_of(hex, b"abc"));
        assert!(is_digest_of("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", b"abc"));
        assert!(!is_digest_of(hex, b"abd"));
        assert!(!is_digest_of("", b""));
    }
}

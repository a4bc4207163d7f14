//! A bucket of an S3-compatible service: put an object, read it or a part of it, remove it.
//!
//! The requests are signed by `rusty-s3`, which does no I/O of its own; they are sent by the client that everything here
//! uses. Nothing is tried again here: whoever asks knows what a repeat means.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use reqwest::{
    StatusCode, Url,
    header::{CONTENT_TYPE, RANGE},
};
use rusty_s3::{Credentials, S3Action as _, UrlStyle};
use segue_model::Timestamp;

use crate::http::{HttpLimits, HttpSetupError, http_client};

/// How long a signature is good for.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// Longest time for one object.
const REQUEST: Duration = Duration::from_secs(240);

/// How the bucket stands in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// `https://service/bucket/object`: every service takes it.
    #[default]
    Path,
    /// `https://bucket.service/object`.
    Host,
}

/// Where the bucket is, and who may use it.
#[derive(Clone)]
pub struct BucketConfig {
    /// Address of the service, such as `https://s3.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The bucket.
    pub name: String,
    /// Region in the signature.
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    pub addressing: Addressing,
}

/// The bucket did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error("The address of the file storage is not one: {0}.")]
    Address(String),
    #[error(transparent)]
    Client(#[from] HttpSetupError),
    #[error("The file storage cannot be reached.")]
    NoAnswer(#[source] reqwest::Error),
    #[error("The file is not in the file storage.")]
    Missing,
    #[error("The file storage answered {0}.")]
    Refused(u16),
}

/// A bucket.
#[derive(Clone)]
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    client: reqwest::Client,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({})", self.bucket.name())
    }
}

impl Bucket {
    /// A client of the bucket. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address is not one.
    pub fn new(config: &BucketConfig) -> Result<Self, BucketError> {
        let endpoint = Url::parse(&config.endpoint).map_err(|error| BucketError::Address(error.to_string()))?;
        let style = match config.addressing {
            Addressing::Path => UrlStyle::Path,
            Addressing::Host => UrlStyle::VirtualHost,
        };
        let bucket = rusty_s3::Bucket::new(endpoint, style, config.name.clone(), config.region.clone())
            .map_err(|error| BucketError::Address(error.to_string()))?;
        let client = http_client(HttpLimits { request: REQUEST, ..HttpLimits::default() })?;
        let credentials = Credentials::new(config.access_key.clone(), config.secret_key.clone());
        Ok(Self { bucket, credentials, client })
    }

    /// Writes an object.
    ///
    /// # Errors
    /// When the service does not say that it has it.
    pub async fn put(&self, key: &str, mime: &str, data: Bytes, now: Timestamp) -> Result<(), BucketError> {
        let url = self.bucket.put_object(Some(&self.credentials), key).sign_with_time(SIGNED_FOR, &time(now));
        let request = self.client.put(url).header(CONTENT_TYPE, mime).body(data);
        accepted(request.send().await.map_err(without_address)?).map(drop)
    }

    /// Reads an object, or the part of it from the first to the last byte given, both included.
    ///
    /// # Errors
    /// [`BucketError::Missing`] when there is none. The stream ends with an error when the connection breaks.
    pub async fn get(
        &self,
        key: &str,
        part: Option<(u64, u64)>,
        now: Timestamp,
    ) -> Result<impl Stream<Item = Result<Bytes, BucketError>> + Send + 'static, BucketError> {
        let url = self.bucket.get_object(Some(&self.credentials), key).sign_with_time(SIGNED_FOR, &time(now));
        let mut request = self.client.get(url);
        if let Some((first, last)) = part {
            request = request.header(RANGE, format!("bytes={first}-{last}"));
        }
        let response = accepted(request.send().await.map_err(without_address)?)?;
        // A whole object instead of the part would be shown as that part.
        if part.is_some() && response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(BucketError::Refused(response.status().as_u16()));
        }
        Ok(response.bytes_stream().map_err(without_address))
    }

    /// Removes an object. One that is not there is removed.
    ///
    /// # Errors
    /// When the service does not say so.
    pub async fn delete(&self, key: &str, now: Timestamp) -> Result<(), BucketError> {
        let url = self.bucket.delete_object(Some(&self.credentials), key).sign_with_time(SIGNED_FOR, &time(now));
        match accepted(self.client.delete(url).send().await.map_err(without_address)?) {
            Ok(_) | Err(BucketError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The address holds the signature, which is as good as the key for a while.
fn without_address(error: reqwest::Error) -> BucketError {
    BucketError::NoAnswer(error.without_url())
}

fn accepted(response: reqwest::Response) -> Result<reqwest::Response, BucketError> {
    match response.status() {
        StatusCode::NOT_FOUND => Err(BucketError::Missing),
        status if status.is_success() => Ok(response),
        status => Err(BucketError::Refused(status.as_u16())),
    }
}

fn time(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

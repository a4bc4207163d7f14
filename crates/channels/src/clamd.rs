//! Asking ClamAV's daemon whether a file holds a virus, by its `INSTREAM` command (`man clamd`).
//!
//! The bytes go in chunks, each behind its length, and an empty chunk ends them; the answer is one line. Only the exact
//! line that says so means that nothing was found: whatever else comes, or nothing, is an error. A file that is larger than
//! the daemon's `StreamMaxLength` makes it answer before it has read everything, and close; so the answer is looked for even
//! when writing fails.

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// For a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// For a whole conversation; a large document takes the daemon a while.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// Bytes of a chunk.
const CHUNK: usize = 64 << 10;
/// Longest answer that is read.
const LONGEST_ANSWER: u64 = 4_096;

/// Where the daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    /// Path of a socket of this machine.
    Socket(PathBuf),
    /// Host and port.
    Host(String),
}

/// ClamAV's daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clamd {
    address: Address,
}

/// What it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    Clean,
    /// The name of what was found.
    Infected(String),
}

/// A file could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClamdError {
    #[error("The virus checker at {address} cannot be reached: {why}. Start clamd, or correct SEGUE_CLAMD.")]
    Unreachable { address: String, why: String },
    #[error("The file is larger than what the virus checker takes. Raise StreamMaxLength in clamd.conf.")]
    TooLarge,
    #[error("The virus checker answered \u{201c}{0}\u{201d}.")]
    Refused(String),
    #[error("The virus checker did not answer within two minutes.")]
    Silent,
    #[error("The virus checker ended the conversation without an answer: {0}.")]
    Broken(String),
}

impl ClamdError {
    /// Whether the same file may be checked later.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::TooLarge)
    }
}

impl Clamd {
    /// The daemon at `unix:/run/clamav/clamd.ctl` or at `host:port`.
    ///
    /// # Errors
    /// Says how an address is written.
    pub fn at(address: &str) -> Result<Self, String> {
        let address = address.trim();
        if let Some(path) = address.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return match path.is_absolute() {
                true => Ok(Self { address: Address::Socket(path) }),
                false => Err(format!("'{address}' names no absolute path, such as unix:/run/clamav/clamd.ctl.")),
            };
        }
        let host = address.strip_prefix("tcp://").unwrap_or(address);
        let is_host = host.rsplit_once(':').is_some_and(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
        match is_host {
            true => Ok(Self { address: Address::Host(host.to_owned()) }),
            false => Err(format!("'{address}' is neither unix:/run/clamav/clamd.ctl nor host:port.")),
        }
    }

    /// Asks for the daemon's version, to see that it is there: `ClamAV 1.4.3/27800/…`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String, ClamdError> {
        self.ask(b"zVERSION\0", &[]).await
    }

    /// Checks a file.
    ///
    /// # Errors
    /// When it was not checked. Nothing is known of the file then.
    pub async fn scan(&self, data: &[u8]) -> Result<Scan, ClamdError> {
        let mut chunks: Vec<&[u8]> = data.chunks(CHUNK).collect();
        chunks.push(&[]);
        let answer = self.ask(b"zINSTREAM\0", &chunks).await?;
        if answer == "stream: OK" {
            return Ok(Scan::Clean);
        }
        if let Some(found) = answer.strip_prefix("stream: ").and_then(|rest| rest.strip_suffix(" FOUND")) {
            return Ok(Scan::Infected(found.to_owned()));
        }
        if answer.contains("size limit exceeded") {
            return Err(ClamdError::TooLarge);
        }
        Err(ClamdError::Refused(answer))
    }

    async fn ask(&self, command: &[u8], chunks: &[&[u8]]) -> Result<String, ClamdError> {
        match &self.address {
            Address::Host(host) => {
                let stream = self.connected(TcpStream::connect(host.as_str())).await?;
                converse(stream, command, chunks).await
            }
            #[cfg(unix)]
            Address::Socket(path) => {
                let stream = self.connected(tokio::net::UnixStream::connect(path)).await?;
                converse(stream, command, chunks).await
            }
            #[cfg(not(unix))]
            Address::Socket(_) => Err(self.unreachable("this system has no such sockets".to_owned())),
        }
    }

    async fn connected<S>(&self, connecting: impl Future<Output = std::io::Result<S>>) -> Result<S, ClamdError> {
        match timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(self.unreachable(error.to_string())),
            Err(_) => Err(self.unreachable("no connection within five seconds".to_owned())),
        }
    }

    fn unreachable(&self, why: String) -> ClamdError {
        ClamdError::Unreachable { address: self.to_string(), why }
    }
}

impl std::fmt::Display for Clamd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.address {
            Address::Socket(path) => write!(f, "unix:{}", path.display()),
            Address::Host(host) => f.write_str(host),
        }
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    command: &[u8],
    chunks: &[&[u8]],
) -> Result<String, ClamdError> {
    let conversation = async {
        let written = write(&mut stream, command, chunks).await;
        let mut answer = Vec::new();
        let read = (&mut stream).take(LONGEST_ANSWER).read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer).trim_end_matches(['\0', '\n']).trim().to_owned();
        match (text.is_empty(), written.and(read.map(|_| ()))) {
            (false, _) => Ok(text),
            (true, Err(error)) => Err(ClamdError::Broken(error.to_string())),
            (true, Ok(())) => Err(ClamdError::Broken("it closed the connection".to_owned())),
        }
    };
    timeout(ANSWER_WITHIN, conversation).await.unwrap_or(Err(ClamdError::Silent))
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), command: &[u8], chunks: &[&[u8]]) -> std::io::Result<()> {
    stream.write_all(command).await?;
    for chunk in chunks {
        let length = u32::try_from(chunk.len()).map_err(std::io::Error::other)?;
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(chunk).await?;
    }
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_socket_or_a_host_with_its_port() {
        for (written, shown) in [
            ("unix:/run/clamav/clamd.ctl", "unix:/run/clamav/clamd.ctl"),
            ("127.0.0.1:3310", "127.0.0.1:3310"),
            ("tcp://clamav:3310", "clamav:3310"),
            ("[::1]:3310", "[::1]:3310"),
        ] {
            assert_eq!(Clamd::at(written).unwrap().to_string(), shown);
        }
        for wrong in ["", "clamav", ":3310", "clamav:port", "unix:clamd.ctl"] {
            assert!(Clamd::at(wrong).is_err(), "{wrong}");
        }
    }
}

//! Settings of one SMPP account.

use std::{fmt, time::Duration};

use super::{address::AddressPlan, form::SubmitForm, tls::Tls};
use crate::text::Charset;

/// What the connections of an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BindKind {
    /// Send and receive on one connection.
    #[default]
    Transceiver,
    /// Two connections that belong together: one sends, the other receives. What the receiver hears of counts for what
    /// the transmitter has sent.
    Pair,
    /// Send only; receipts go to whoever binds as receiver.
    Transmitter,
    /// Receive only.
    Receiver,
}

/// What one connection binds as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindRole {
    /// Both directions.
    Transceiver,
    /// To the carrier.
    Transmitter,
    /// From the carrier.
    Receiver,
}

impl BindKind {
    /// The connections that make up one bind.
    pub(super) const fn roles(self) -> &'static [BindRole] {
        match self {
            Self::Transceiver => &[BindRole::Transceiver],
            // The receiver first: a receipt may come as soon as a message is out.
            Self::Pair => &[BindRole::Receiver, BindRole::Transmitter],
            Self::Transmitter => &[BindRole::Transmitter],
            Self::Receiver => &[BindRole::Receiver],
        }
    }
}

impl BindRole {
    /// Command id of the bind request.
    pub(super) const fn command_id(self) -> u32 {
        match self {
            Self::Receiver => 0x01,
            Self::Transmitter => 0x02,
            Self::Transceiver => 0x09,
        }
    }

    /// Whether messages go out on it.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::Receiver)
    }
}

/// Settings of one account. The password never shows in `Debug`.
#[derive(Clone)]
pub struct SmppConfig {
    /// Name or address of the carrier's server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Encryption of the connection; `None` is plain TCP.
    pub tls: Option<Tls>,
    /// Account name.
    pub system_id: String,
    /// Account password. SMPP 3.4 allows eight characters; longer ones are sent as they are, many carriers take them.
    pub password: String,
    /// Usually empty.
    pub system_type: String,
    /// What the connections may do.
    pub bind: BindKind,
    /// How many binds are held at once (pairs count as one).
    pub binds: usize,
    /// Most submits without an answer at a time, for each bind.
    pub window: usize,
    /// Most segments per second of the whole account.
    pub per_second: u32,
    /// A silent link is probed after this long.
    pub enquire_link: Duration,
    /// A probe unanswered for this long means the link is dead.
    pub enquire_link_timeout: Duration,
    /// A submit unanswered for this long is `Unknown`.
    pub response_timeout: Duration,
    /// Longest wait for the connection and then for the answer to the bind.
    pub bind_timeout: Duration,
    /// Longest wait for open answers when shutting down.
    pub drain_timeout: Duration,
    /// Numbering plans of addresses.
    pub addresses: AddressPlan,
    /// How submits are written.
    pub form: SubmitForm,
    /// Charset of inbound messages with data coding 0.
    pub default_charset: Charset,
    /// The carrier's clock in receipts, in minutes east of UTC.
    pub receipt_offset_minutes: i32,
    /// Inbound items that may wait for their acknowledgement; more are answered "try again later".
    pub inbound_capacity: usize,
    /// First sequence number of a connection.
    pub first_sequence: u32,
}

impl SmppConfig {
    /// An account with the usual settings.
    #[must_use]
    pub fn new(host: &str, port: u16, system_id: &str, password: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls: None,
            system_id: system_id.to_owned(),
            password: password.to_owned(),
            system_type: String::new(),
            bind: BindKind::Transceiver,
            binds: 1,
            window: 10,
            per_second: 100,
            enquire_link: Duration::from_secs(30),
            enquire_link_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            bind_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            addresses: AddressPlan::default(),
            form: SubmitForm::default(),
            default_charset: Charset::Gsm7,
            receipt_offset_minutes: 0,
            inbound_capacity: 4096,
            first_sequence: 1,
        }
    }

    /// Body of the bind request (SMPP 3.4, 4.1).
    pub(super) fn bind_body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for text in [&self.system_id, &self.password, &self.system_type] {
            super::encode::c_string(&mut body, text);
        }
        // interface_version 3.4, then ton, npi and range of the addresses served: all of the account's.
        body.extend([0x34, 0, 0, 0]);
        body
    }
}

impl fmt::Debug for SmppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmppConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("system_id", &self.system_id)
            .field("password", &"redacted")
            .field("bind", &self.bind)
            .field("binds", &self.binds)
            .field("window", &self.window)
            .field("per_second", &self.per_second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_not_in_debug() {
        let config = SmppConfig::new("smsc.example", 2775, "segue", "hunter2-long");
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.bind_body(), b"segue\0hunter2-long\0\0\x34\0\0\0");
    }
}

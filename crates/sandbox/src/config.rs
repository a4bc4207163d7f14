//! What a sandbox is started with.

use crate::clock::SandboxClock;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Addresses, accounts and secrets of the emulated carrier and platform.
///
/// [`Default`] gives the values of the demonstration: both servers on a free port of the loopback interface.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Address of the HTTP server; port 0 takes a free one.
    pub http_bind: SocketAddr,
    /// Address of the SMPP server; port 0 takes a free one.
    pub smpp_bind: SocketAddr,
    /// The only system_id that may bind (at most 15 octets).
    pub smpp_system_id: String,
    /// Its password (at most 8 octets, SMPP 3.4 section 5.2.2).
    pub smpp_password: String,
    /// The only access token of the Graph API.
    pub access_token: String,
    /// Key of the webhook signature.
    pub app_secret: String,
    /// Sent to the webhook URL in the verification handshake.
    pub verify_token: String,
    /// Id of the WhatsApp Business Account.
    pub waba_id: String,
    /// Id of the business phone number.
    pub phone_number_id: String,
    /// The business phone number, `+` and digits.
    pub display_phone_number: String,
    /// Verified name shown on the handsets.
    pub business_name: String,
    /// The only account of the Twilio face.
    pub twilio_account_sid: String,
    /// Its token: for requests and for the signatures of webhooks.
    pub twilio_auth_token: String,
    /// Seed of ids and of the chance in faults.
    pub seed: u64,
    /// Real or virtual time.
    pub clock: SandboxClock,
    /// Where webhooks go from the start, without handshake.
    pub webhook_url: Option<String>,
    /// How browsers reach the HTTP server when that is not its own address.
    pub http_public_url: Option<String>,
    /// How long a webhook may take before it counts as failed (machine time).
    pub webhook_timeout: Duration,
    /// After how long an unanswered deliver_sm is sent again on the same bind (machine time).
    pub smpp_response_timeout: Duration,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            http_bind: loopback,
            smpp_bind: loopback,
            smpp_system_id: "segue".to_owned(),
            smpp_password: "sandbox".to_owned(),
            access_token: "sandbox-token".to_owned(),
            app_secret: "sandbox-app-secret".to_owned(),
            verify_token: "sandbox-verify".to_owned(),
            waba_id: "102290129340398".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            display_phone_number: "+15550783881".to_owned(),
            business_name: "Acme Outdoor".to_owned(),
            twilio_account_sid: "AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d".to_owned(),
            twilio_auth_token: "sandbox-auth-token".to_owned(),
            seed: 1,
            clock: SandboxClock::Real,
            webhook_url: None,
            http_public_url: None,
            webhook_timeout: Duration::from_secs(10),
            smpp_response_timeout: Duration::from_secs(10),
        }
    }
}

impl SandboxConfig {
    /// Digits of the business number, as they stand in webhooks and `wa.me` links.
    pub(crate) fn business_digits(&self) -> String {
        digits(&self.display_phone_number)
    }
}

/// The ASCII digits of a phone number in any notation.
pub(crate) fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// An address could not be bound.
    #[error(
        "the {what} server of the sandbox cannot listen on {addr}: {source}; choose another port or stop what uses it"
    )]
    Bind {
        /// Which of the two servers.
        what: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// The answer of the operating system.
        source: std::io::Error,
    },
    /// The client for webhooks could not be built.
    #[error("the sandbox cannot set up its HTTP client: {0}")]
    HttpClient(String),
}

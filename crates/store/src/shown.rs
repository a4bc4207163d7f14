//! What customers are shown of being attended to: the jobs that ask delivery to tell WhatsApp.
//!
//! # Why a crash at each point is safe
//! A job is written with what it tells of and is done once it is taken up: telling is a courtesy, so what is lost is not
//! told again, and telling it twice shows the customer the same. What is later than [`ShowCustomer::until`] is let be,
//! so that neither a long outage nor a restored database tells of what is long over.

use segue_model::{MessageId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// The kind of these jobs.
pub const SHOW_CUSTOMER: &str = "show_customer";

segue_model::text_enum! {
    /// What the customer is shown.
    pub enum Shown {
        /// The message, and all before it, was read.
        Read = "read",
        /// An answer is being written; the message was read, too.
        Typing = "typing",
    }
}

/// Payload of these jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowCustomer {
    pub session_id: SessionId,
    /// What the customer wrote.
    pub message_id: MessageId,
    pub shown: Shown,
    /// After this it is no longer told.
    pub until: Timestamp,
}

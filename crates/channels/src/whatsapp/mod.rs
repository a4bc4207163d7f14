//! The WhatsApp Cloud API: webhooks in, messages out.
//!
//! * [`signature`] checks that a webhook is Meta's, over the raw bytes, before anything is parsed.
//! * [`webhook`] turns a body into flat, storable [`WebhookItem`]s; one broken element never discards its siblings.
//! * [`Content`] is the typed view of an inbound message, with a catch-all for what Meta adds next.
//! * [`GraphClient`] sends; every send ends in one [`SendOutcome`].
//! * [`errors`] explains every documented error code.
//!
//! A customer may be known by a business-scoped user id (BSUID) alone. It is never put where a phone number belongs:
//! Meta answers such a send with success and drops it. [`Recipient`] makes that impossible by type.

pub mod blocking;
pub mod client;
pub mod contact_card;
pub mod content;
pub mod errors;
pub mod forms;
pub(crate) mod fuzz;
pub mod identity;
pub mod interactive;
mod item;
mod lenient;
pub mod link;
pub mod management;
pub mod media;
pub mod notice;
pub mod number;
pub mod outbound;
pub mod pace;
pub mod recipient;
pub mod send;
pub mod signature;
pub mod simple;
pub mod status;
pub mod template_admin;
pub mod template_message;
pub mod webhook;

pub use client::{GraphClient, GraphConfig, GraphFailure};
pub use content::{Content, MediaKind, SharedContact};
pub use identity::Identity;
pub use link::whatsapp_link;
pub use management::{MessageTemplate, PhoneNumberInfo};
pub use media::{MediaError, MediaInfo};
pub use notice::Notice;
pub use outbound::{Outbound, OutboundError};
pub use pace::SendPace;
pub use recipient::{Recipient, RecipientError};
pub use send::{SendMeta, SendOutcome};
pub use signature::{SignatureError, verify_signature};
pub use status::{GraphError, MessageStatus, Pricing, StatusKind};
pub use template_message::{TemplateButton, TemplateCard, TemplateHeader, TemplateMessage, TemplateParameter};
pub use webhook::{
    AccountNotice, InboundMessage, RecordedMessage, Referral, WebhookError, WebhookItem, Writer, parse_webhook,
};

//! Ids: UUIDv7 inside, shown as a type prefix and 26 characters of Crockford's base 32: `con_01jd8…`.
//!
//! The prefix makes a mixed-up id an error at the edge instead of an empty result.

use std::{fmt, str::FromStr};

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LENGTH: usize = 26;

/// An id of one kind.
pub trait Id: Copy + Sized {
    /// The part before the underscore.
    const PREFIX: &'static str;
    /// Wraps a UUID.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID as it is stored.
    fn uuid(self) -> Uuid;
}

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an id of the form {prefix}_…")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
    /// What was given.
    pub text: String,
}

fn encode(uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    (0..TEXT_LENGTH).rev().map(|position| char::from(ALPHABET[((bits >> (5 * position)) & 31) as usize])).collect()
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != TEXT_LENGTH || text.as_bytes()[0] > b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|&letter| letter == byte)?;
        bits = (bits << 5) | value as u128;
    }
    Some(Uuid::from_u128(bits))
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| InvalidId { prefix: $prefix, text: text.to_owned() })
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-hjkmnp-tv-z]{26}$")))
                    .build()
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

ids! {
    /// The tenant; every row belongs to one.
    WorkspaceId = "ws",
    /// A person who signs in.
    UserId = "usr",
    /// A key for programs.
    ApiKeyId = "key",
    /// A configured WhatsApp number or SMS account.
    ChannelId = "chn",
    /// A number or name that SMS goes out from.
    SenderId = "snd",
    /// What carriers or regulators approve before a sender may send.
    RegistrationId = "reg",
    /// Senders that share the texts to many people.
    SenderPoolId = "spl",
    /// A person or company in the CRM.
    ContactId = "con",
    /// A list of contacts.
    ListId = "lst",
    /// A saved condition over contacts.
    SegmentId = "seg",
    /// One entry of the consent ledger.
    ConsentEventId = "cev",
    /// One run of an import of contacts.
    ImportId = "imp",
    /// One merge of two contacts.
    MergeId = "mrg",
    /// Contacts that were deleted together.
    DeletionId = "del",
    /// A saved view of the contacts.
    ContactViewId = "cvw",
    /// An uploaded table of contacts that is to be imported.
    ImportFileId = "imf",
    /// An SMS campaign.
    CampaignId = "cmp",
    /// One entry of a session, or one outbound message on its way.
    MessageId = "msg",
    /// One customer identity on one channel.
    MessagingUserId = "mus",
    /// A conversation as agents see it.
    SessionId = "ses",
    /// A sales inquiry.
    LeadId = "led",
    /// A support case.
    CaseId = "cas",
    /// A form of the business at WhatsApp.
    FormId = "frm",
    /// An approved WhatsApp message template.
    TemplateId = "tpl",
    /// A bot or journey definition.
    FlowId = "flw",
    /// One immutable published version of a flow.
    FlowVersionId = "flv",
    /// A routing queue.
    QueueId = "que",
    /// Work that waits for or belongs to an agent.
    WorkItemId = "wrk",
    /// A reservation of an agent for a work item until it expires.
    OfferId = "ofr",
    /// A reply that waits for the customer.
    PendingReplyId = "prp",
    /// A file that was received or uploaded.
    MediaId = "med",
    /// A row of the inbox.
    InboxId = "inb",
    /// A piece of background work.
    JobId = "job",
    /// Something that could not be processed and waits for a person.
    DeadLetterId = "ded",
    /// Messages that a program sends to many people at once.
    BatchId = "bat",
    /// One tap on a short link.
    ClickId = "clk",
    /// A keyword subscription people can join.
    ProgrammeId = "prg",
    /// One person's place in a programme.
    SubscriptionId = "sbs",
    /// A word that people text to a sender.
    KeywordId = "kwd",
    /// A message that may be an opt-out and waits for a person's look.
    ConsentReviewId = "crv",
    /// A text of a customer as it came in.
    InboundTextId = "itx",
    /// A host name for short links.
    LinkDomainId = "dom",
    /// Something a provider told of a channel's account.
    ChannelNoticeId = "ntc",
    /// A table beside the contacts.
    TableId = "tbl",
    /// A block of text that campaigns share.
    SnippetId = "snp",
    /// One link of a customer to a contact or lead, or its end.
    CustomerLinkId = "lnk",
    /// One merge of two customers.
    CustomerMergeId = "cmg",
    /// A colleague who is spoken to in a note.
    MentionId = "men",
    /// A transcript that somebody took out.
    TranscriptExportId = "tre",
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips(bits: u128) {
            let id = ContactId(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<ContactId>().unwrap(), id);
        }

        #[test]
        fn text_order_is_id_order(a: u128, b: u128) {
            let (a, b) = (Uuid::from_u128(a), Uuid::from_u128(b));
            prop_assert_eq!(a.cmp(&b), encode(a).cmp(&encode(b)));
        }
    }

    #[test]
    fn wrong_kind_and_garbage_are_refused() {
        let contact = ContactId(Uuid::from_u128(1));
        assert_eq!(contact.to_string(), "con_00000000000000000000000001");
        assert!(contact.to_string().parse::<UserId>().is_err());
        for text in ["", "con_", "con_1", "con_8zzzzzzzzzzzzzzzzzzzzzzzzz", "con_0000000000000000000000000U", "con-x"] {
            assert!(text.parse::<ContactId>().is_err(), "{text}");
        }
    }
}

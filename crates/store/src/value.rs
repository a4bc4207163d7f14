//! Parameters of statements: five kinds of value, the same on both engines.

use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use segue_model::{PhoneNumber, Timestamp, id::Id as _};
use uuid::Uuid;

/// One bound parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Param<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Id(Uuid),
}

/// What can be bound as a parameter.
pub trait Bind {
    /// The parameter to bind.
    fn bind(&self) -> Param<'_>;
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value, ValueRef};
        if let Some(text) = self.without_nul() {
            return Ok(ToSqlOutput::Owned(Value::Text(text)));
        }
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Id(value) => ValueRef::Blob(value.as_bytes()),
        }))
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        if let Some(text) = self.without_nul() {
            return Param::Text(&text).to_sql(ty, out);
        }
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) if *ty == Type::INT8 => value.to_sql(ty, out),
            Self::Text(value) if <&str as ToSql>::accepts(ty) => value.to_sql(ty, out),
            Self::Blob(value) if *ty == Type::BYTEA => value.to_sql(ty, out),
            Self::Id(value) if *ty == Type::UUID => value.to_sql(ty, out),
            other => Err(format!("cannot bind {} as {ty}", other.kind()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Param<'_> {
    /// The text to store instead, when it holds the character U+0000. PostgreSQL takes no such text, so a STOP from a
    /// phone that pads its texts could never be worked on; both engines store the replacement character instead.
    fn without_nul(&self) -> Option<String> {
        match self {
            Self::Text(text) if text.contains('\0') => Some(text.replace('\0', "\u{FFFD}")),
            _ => None,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "an integer",
            Self::Text(_) => "a text",
            Self::Blob(_) => "bytes",
            Self::Id(_) => "an id",
        }
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Param<'_> {
        (**self).bind()
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null, Bind::bind)
    }
}

impl Bind for Param<'_> {
    fn bind(&self) -> Param<'_> {
        *self
    }
}

impl Bind for str {
    fn bind(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl Bind for String {
    fn bind(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl Bind for [u8] {
    fn bind(&self) -> Param<'_> {
        Param::Blob(self)
    }
}

impl Bind for Vec<u8> {
    fn bind(&self) -> Param<'_> {
        Param::Blob(self)
    }
}

impl<const N: usize> Bind for [u8; N] {
    fn bind(&self) -> Param<'_> {
        Param::Blob(self)
    }
}

impl Bind for Timestamp {
    fn bind(&self) -> Param<'_> {
        Param::Int(self.0)
    }
}

impl Bind for PhoneNumber {
    fn bind(&self) -> Param<'_> {
        Param::Text(self.as_str())
    }
}

impl Bind for Uuid {
    fn bind(&self) -> Param<'_> {
        Param::Id(*self)
    }
}

macro_rules! bind_integers {
    ($($name:ty),+) => { $(
        impl Bind for $name {
            fn bind(&self) -> Param<'_> { Param::Int(i64::from(*self)) }
        }
    )+ };
}
bind_integers!(i64, i32, u32, u16, u8, bool);

macro_rules! bind_ids {
    ($($name:ident),+ $(,)?) => { $(
        impl Bind for segue_model::$name {
            fn bind(&self) -> Param<'_> { Param::Id(self.uuid()) }
        }
        impl crate::row::Column for segue_model::$name {
            fn from_cell(cell: crate::row::Cell<'_>) -> Result<Self, crate::StoreError> {
                Uuid::from_cell(cell).map(Self)
            }
        }
    )+ };
}
bind_ids!(
    WorkspaceId,
    UserId,
    ApiKeyId,
    ChannelId,
    SenderId,
    RegistrationId,
    SenderPoolId,
    ContactId,
    ListId,
    SegmentId,
    ConsentEventId,
    ImportId,
    ImportFileId,
    MergeId,
    DeletionId,
    ContactViewId,
    CampaignId,
    MessageId,
    MessagingUserId,
    SessionId,
    LeadId,
    CaseId,
    TemplateId,
    FlowId,
    FormId,
    FlowVersionId,
    QueueId,
    WorkItemId,
    OfferId,
    PendingReplyId,
    MediaId,
    InboxId,
    JobId,
    DeadLetterId,
    ClickId,
    ProgrammeId,
    SubscriptionId,
    KeywordId,
    ConsentReviewId,
    InboundTextId,
    LinkDomainId,
    ChannelNoticeId,
    CustomerLinkId,
    CustomerMergeId,
    MentionId,
    TranscriptExportId,
    SnippetId,
    TableId,
    BatchId,
);

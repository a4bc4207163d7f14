//! The events' shapes for the API's description: one schema per type, and `LiveEvent`, which is one of them.

use segue_store::{
    access::User,
    campaign::CampaignView,
    import::ImportView,
    message::{MessageError, MessageState, MessageView},
    routing::{OfferView, PresenceView},
    session::SessionView,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, OneOfBuilder, Ref, Schema, Type},
    },
};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// A field of an event's data.
struct Field {
    name: &'static str,
    schema: fn(&mut Schemas) -> RefOr<Schema>,
    is_required: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Always,
    Sometimes,
}

fn of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    Ref::from_schema_name(T::name()).into()
}

fn text(_: &mut Schemas) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

/// True: the conversation is no longer the viewer's to see, and this is the last that is heard of it.
fn truth(_: &mut Schemas) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Boolean).build().into()
}

fn number(_: &mut Schemas) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).build().into()
}

const fn always(name: &'static str, schema: fn(&mut Schemas) -> RefOr<Schema>) -> Field {
    Field { name, schema, is_required: Presence::Always }
}

const fn sometimes(name: &'static str, schema: fn(&mut Schemas) -> RefOr<Schema>) -> Field {
    Field { name, schema, is_required: Presence::Sometimes }
}

/// Every type of event with what its data holds.
fn types() -> Vec<(&'static str, Vec<Field>)> {
    let session = || always("session", of::<SessionView>);
    vec![
        ("message.created", vec![always("message", of::<MessageView>), session()]),
        ("message.updated", vec![always("message", of::<MessageView>), session()]),
        (
            "message.status",
            vec![
                always("session_id", text),
                always("message_id", text),
                always("state", of::<MessageState>),
                sometimes("error", of::<MessageError>),
            ],
        ),
        ("session.created", vec![session()]),
        ("session.updated", vec![session(), sometimes("taken_away", truth)]),
        ("offer.created", vec![always("offer", of::<OfferView>)]),
        ("offer.ended", vec![always("offer_id", text), always("session_id", text), always("reason", text)]),
        (
            "presence.updated",
            vec![always("user_id", text), always("name", text), always("presence", of::<PresenceView>)],
        ),
        ("campaign.updated", vec![always("campaign", of::<CampaignView>)]),
        ("campaign.progress", vec![always("campaign_id", text)]),
        ("template.updated", vec![sometimes("channel_id", text)]),
        ("channel.updated", vec![always("channel_id", text)]),
        ("import.progress", vec![always("import", of::<ImportView>)]),
        ("lead.created", vec![sometimes("session_id", text)]),
        ("case.updated", vec![]),
        (
            "mention.created",
            vec![
                always("mention_id", text),
                always("session_id", text),
                always("message_id", text),
                always("unread_count", number),
            ],
        ),
        ("mention.read", vec![always("unread_count", number)]),
        ("contact.updated", vec![always("contact_id", text)]),
        ("consent.changed", vec![always("contact_id", text)]),
    ]
}

/// Adds the schemas of all events.
pub(crate) fn add_event_schemas(schemas: &mut Schemas) {
    schemas.push((User::name().into_owned(), User::schema()));
    let mut union = OneOfBuilder::new().description(Some("One event of the stream."));
    for (kind, fields) in types() {
        let mut data = ObjectBuilder::new();
        for field in fields {
            data = data.property(field.name, (field.schema)(schemas));
            if field.is_required == Presence::Always {
                data = data.required(field.name);
            }
        }
        let event = ObjectBuilder::new()
            .property("seq", ObjectBuilder::new().schema_type(Type::Integer).description(Some("Rises by one.")))
            .required("seq")
            .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind])))
            .required("type")
            .property("at", segue_model::Timestamp::schema())
            .required("at")
            .property("entity", ObjectBuilder::new().schema_type(Type::String))
            .required("entity")
            .property("entity_id", ObjectBuilder::new().schema_type(Type::String))
            .required("entity_id")
            .property("data", data)
            .required("data");
        let name = schema_name(kind);
        schemas.push((name.clone(), event.build().into()));
        union = union.item(Ref::from_schema_name(name));
    }
    schemas.push(("LiveEvent".to_owned(), RefOr::T(Schema::OneOf(union.build()))));
}

/// `message.created` becomes `MessageCreatedEvent`.
fn schema_name(kind: &str) -> String {
    let words = kind.split('.').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
    });
    words.chain(["Event".to_owned()]).collect()
}

//! Senders: the numbers and names that SMS goes out from.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    ChannelId, RegistrationId, SenderId, Timestamp, WorkspaceId,
    capability::{Capability, CapabilityTable, MmsCapability},
    consent::Medium,
    policy::QuietHours,
    route::RouteBy,
    sender::{self, SenderAlphabet, SenderFacts},
    sender_hours::SenderHours,
};
use segue_store::{
    StoreError, Tx,
    channel::{Registration, Sender, SenderKind},
    route::Shares,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    policy::{QuietSpanBody, span_bodies},
    workspace::QuietHoursBody,
};
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(capabilities)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(set_limit)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(set_fallback)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(set_hours)))
}

/// A number or name that SMS goes out from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Sender)]
pub(super) struct SenderBody {
    id: SenderId,
    channel_id: ChannelId,
    address: String,
    kind: SenderKind,
    registration: Registration,
}

impl From<Sender> for SenderBody {
    fn from(sender: Sender) -> Self {
        let Sender { id, channel_id, address, kind, registration, created_at: _ } = sender;
        Self { id, channel_id, address, kind, registration }
    }
}

/// A sender with what it can do and where.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct SenderDetail {
    #[serde(flatten)]
    sender: SenderBody,
    /// Countries (ISO 3166-1) it may send to; empty: all.
    countries: Vec<String>,
    registration_ids: Vec<RegistrationId>,
    /// Whether people can answer. A text from a sender they cannot answer needs another way to opt out.
    is_two_way: bool,
    /// Whether messages with files (MMS) can leave from it on this account, wherever to.
    sends_files: bool,
    /// Which characters may leave from it.
    alphabet: SenderAlphabet,
    /// Most segments from it in a second; none: as its account can.
    segments_per_second: Option<u32>,
    /// The sender that takes over what is known not to have been sent.
    fallback_id: Option<SenderId>,
    /// Seconds without connection after which waiting messages move there.
    fallback_after_seconds: Option<u32>,
    /// What decides by which account a text leaves; null: it has only its own.
    route_by: Option<RouteBy>,
    /// The accounts it can leave by, in their order: senders with the same number or name.
    routes: Vec<SenderRoute>,
    /// Quiet every night, beside the workspace's quiet hours.
    quiet_hours: QuietHoursBody,
    /// Quiet on certain weekdays, beside the workspace's.
    quiet_spans: Vec<QuietSpanBody>,
    /// For each country it is meant for: whether it may send there now.
    readiness: Vec<SenderReadiness>,
}

/// An account that a sender can leave by.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SenderRoute {
    /// The sender with the same number or name on that account.
    sender_id: SenderId,
    channel_id: ChannelId,
    /// Messages written in the last 24 hours that were delivered by that account, of `settled`; null: nothing is known.
    delivered: Option<u32>,
    /// Messages written in the last 24 hours whose fate is known.
    settled: Option<u32>,
}

/// Whether a sender may send to a country now.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SenderReadiness {
    country: String,
    ready: bool,
    /// What is missing and what to do.
    why: Option<String>,
    /// What to know of a sender that may send: that its name is replaced there.
    caution: Option<String>,
}

/// The senders of the workspace.
#[utoipa::path(get, path = "/api/v1/senders", operation_id = "list_senders", tag = "setup",
    responses((status = 200, body = Page<SenderDetail>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<SenderDetail>>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let senders = state.store.read::<_, StoreError, _>(move |tx| details(tx, workspace_id, now)).await?;
    Ok(Json(Page::whole(senders)))
}

/// The table of what each kind of sender can do in which country.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SenderCapabilities {
    title: &'static str,
    /// Changes whenever a rule does.
    version: &'static str,
    /// Of those that fit, the first counts; where none fits, carriers take the sender as it is.
    rules: &'static [Capability],
    /// From where to where messages with files (MMS) go, on an account in Twilio's dialect; where none fits, nowhere.
    mms: &'static [MmsCapability],
}

/// What each kind of sender can do in which country, with the source of each rule.
#[utoipa::path(get, path = "/api/v1/sender-capabilities", operation_id = "list_sender_capabilities", tag = "setup",
    responses((status = 200, body = SenderCapabilities)))]
async fn capabilities() -> Json<SenderCapabilities> {
    let table = CapabilityTable::of_build();
    Json(SenderCapabilities { title: &table.title, version: &table.version, rules: &table.rules, mms: &table.mms })
}

#[derive(Deserialize, ToSchema)]
struct SenderInput {
    channel_id: ChannelId,
    /// A number with country code, a short code, or a name of 3 to 11 letters and digits.
    address: String,
    kind: SenderKind,
    /// `active` when not given.
    registration: Option<Registration>,
}

/// Adds a sender, or changes the registration of the one with this address.
#[utoipa::path(post, path = "/api/v1/senders", operation_id = "create_sender", tag = "setup",
    responses((status = 201, body = SenderBody)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SenderInput>,
) -> Result<(StatusCode, Json<SenderBody>), Problem> {
    let sender = Sender {
        id: state.ctx.id(),
        channel_id: input.channel_id,
        address: input.kind.address(&input.address).map_err(|error| Problem::invalid("address", error.to_string()))?,
        kind: input.kind,
        registration: input.registration.unwrap_or(Registration::Active),
        created_at: state.ctx.now(),
    };
    let workspace_id = caller.workspace_id;
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let channel = tx.channel(workspace_id, sender.channel_id)?.ok_or_else(|| Problem::not_found("channel"))?;
        if channel.config.kind().medium() != Medium::Sms {
            return Err(Problem::invalid("channel_id", "Choose an SMS channel; WhatsApp numbers need no sender."));
        }
        let id = tx.upsert_sender(workspace_id, &sender)?;
        tx.sender(workspace_id, id)?.ok_or_else(|| Problem::not_found("sender"))
    });
    Ok((StatusCode::CREATED, Json(stored.await?.into())))
}

#[derive(Deserialize, ToSchema)]
struct SenderChange {
    registration: Option<Registration>,
    /// Countries (ISO 3166-1) it may send to; an empty list: all.
    countries: Option<Vec<String>>,
    /// What is registered for it: a campaign brings its brand along.
    registration_ids: Option<Vec<RegistrationId>>,
    /// Which characters may leave from it.
    alphabet: Option<SenderAlphabet>,
}

/// Changes what is given and leaves the rest. What waits is decided about anew before it leaves.
#[utoipa::path(patch, path = "/api/v1/senders/{id}", operation_id = "change_sender", tag = "setup",
    params(("id" = SenderId, Path)), responses((status = 200, body = SenderDetail)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderId>,
    Json(change): Json<SenderChange>,
) -> Result<Json<SenderDetail>, Problem> {
    let countries = change
        .countries
        .map(|countries| countries.iter().map(|code| super::workspace::country(code)).collect::<Result<Vec<_>, _>>());
    let countries = countries.transpose()?;
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("sender", &id)?;
        let known = details(tx, workspace_id, now)?.into_iter().find(|each| each.sender.id == id);
        let known = known.ok_or_else(|| Problem::not_found("sender"))?;
        let registration = change.registration.unwrap_or(known.sender.registration);
        let countries = countries.clone().unwrap_or(known.countries);
        tx.set_sender(workspace_id, id, registration, &countries)?;
        if registration == Registration::Active {
            tx.release_for_sender(workspace_id, id, now)?;
        }
        if let Some(alphabet) = change.alphabet {
            tx.set_sender_alphabet(workspace_id, id, alphabet)?;
        }
        if let Some(ids) = &change.registration_ids {
            for registration in ids {
                if tx.registration(workspace_id, *registration)?.is_none() {
                    return Err(Problem::invalid(
                        "registration_ids",
                        "There is no such registration. Choose from the list.",
                    ));
                }
            }
            tx.link_sender(workspace_id, id, ids)?;
        }
        let after = details(tx, workspace_id, now)?.into_iter().find(|each| each.sender.id == id);
        after.ok_or_else(|| Problem::not_found("sender"))
    });
    Ok(Json(changed.await?))
}

#[derive(Deserialize, ToSchema)]
struct SenderLimit {
    /// 1 to 10,000; null: as fast as its account can.
    segments_per_second: Option<u32>,
}

/// Sets how many segments may leave from a sender in a second.
#[utoipa::path(put, path = "/api/v1/senders/{id}/limit", operation_id = "set_sender_limit", tag = "setup",
    params(("id" = SenderId, Path)), responses((status = 200, body = SenderDetail)))]
async fn set_limit(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderId>,
    Json(input): Json<SenderLimit>,
) -> Result<Json<SenderDetail>, Problem> {
    if input.segments_per_second.is_some_and(|most| !(1..=10_000).contains(&most)) {
        return Err(Problem::invalid("segments_per_second", "Give 1 to 10,000 segments, or none."));
    }
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.set_sender_rate(workspace_id, id, input.segments_per_second)?;
        one(tx, workspace_id, id, now)
    });
    Ok(Json(changed.await?))
}

#[derive(Deserialize, ToSchema)]
struct SenderFallback {
    /// Another sender, of the same or another account; null takes the second way away.
    sender_id: Option<SenderId>,
    /// Seconds without connection after which waiting messages move, 30 to 86,400; 300 when not given.
    after_seconds: Option<u32>,
}

/// Names the sender that takes over what this one certainly did not send: what its account refused, and what waits while
/// its account is without connection. A message moves once. What may have been sent never moves.
#[utoipa::path(put, path = "/api/v1/senders/{id}/fallback", operation_id = "set_sender_fallback", tag = "setup",
    params(("id" = SenderId, Path)), responses((status = 200, body = SenderDetail)))]
async fn set_fallback(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderId>,
    Json(input): Json<SenderFallback>,
) -> Result<Json<SenderDetail>, Problem> {
    if input.sender_id == Some(id) {
        return Err(Problem::invalid("sender_id", "Choose another sender: this one is the one that failed."));
    }
    if input.after_seconds.is_some_and(|seconds| !(30..=86_400).contains(&seconds)) {
        return Err(Problem::invalid("after_seconds", "Give 30 to 86,400 seconds."));
    }
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        if let Some(to) = input.sender_id {
            let Some(to) = tx.sender(workspace_id, to)? else {
                return Err(Problem::invalid("sender_id", "There is no such sender. Choose from the list."));
            };
            let from = tx.sender(workspace_id, id)?.ok_or_else(|| Problem::not_found("sender"))?;
            let is_name = |kind: SenderKind| kind == SenderKind::Alphanumeric;
            if is_name(from.kind) != is_name(to.kind) {
                let words = "Choose a number for a number and a name for a name: nobody can answer a name.";
                return Err(Problem::invalid("sender_id", words));
            }
        }
        tx.set_fallback(workspace_id, id, input.sender_id, input.after_seconds)?;
        one(tx, workspace_id, id, now)
    });
    Ok(Json(changed.await?))
}

/// Hours of a sender; what is left out is none.
#[derive(Deserialize, ToSchema)]
struct SenderQuietHours {
    /// The same time twice: no quiet nights.
    quiet_hours: Option<QuietHoursBody>,
    #[serde(default)]
    quiet_spans: Vec<QuietSpanBody>,
}

/// Sets when nothing promotional leaves from a sender, by the clock of each recipient. It can only make the workspace's
/// hours stricter. What waits is decided about anew before it leaves.
#[utoipa::path(put, path = "/api/v1/senders/{id}/hours", operation_id = "set_sender_hours", tag = "setup",
    params(("id" = SenderId, Path)), responses((status = 200, body = SenderDetail)))]
async fn set_hours(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SenderId>,
    Json(input): Json<SenderQuietHours>,
) -> Result<Json<SenderDetail>, Problem> {
    let quiet_hours = input.quiet_hours.as_ref().map(QuietHoursBody::minutes).transpose()?;
    let hours = SenderHours {
        quiet_hours: quiet_hours.unwrap_or(QuietHours::NONE),
        quiet_spans: super::policy::spans(&input.quiet_spans)?,
    };
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.set_sender_hours(workspace_id, id, Some(&hours))?;
        one(tx, workspace_id, id, now)
    });
    Ok(Json(changed.await?))
}

/// One sender with what it can do and where.
pub(super) fn one(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: SenderId,
    now: Timestamp,
) -> Result<SenderDetail, Problem> {
    let found = details(tx, workspace_id, now)?.into_iter().find(|each| each.sender.id == id);
    found.ok_or_else(|| Problem::not_found("sender"))
}

/// Every sender with what it can do and where.
fn details(tx: &mut Tx<'_>, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<SenderDetail>, StoreError> {
    let (countries, links) = (tx.sender_countries(workspace_id)?, tx.sender_links(workspace_id)?);
    let (rates, fallbacks) = (tx.sender_rates(workspace_id)?, tx.fallbacks(workspace_id)?);
    let (hours, alphabets) = (tx.sender_hours(workspace_id)?, tx.sender_alphabets(workspace_id)?);
    let (routed, counted) = (tx.all_routes(workspace_id)?, tx.route_shares(workspace_id)?);
    let shares = if counted.is_current(now) { counted.shares } else { Shares::new() };
    let home = tx.workspace(workspace_id)?.map(|workspace| workspace.country).unwrap_or_default();
    let mut all = Vec::new();
    let senders = tx.senders(workspace_id)?;
    let channels: Vec<_> = senders.iter().map(|sender| (sender.id, sender.channel_id)).collect();
    let kinds: Vec<_> = tx.channels(workspace_id)?.into_iter().map(|it| (it.id, it.config.kind())).collect();
    for sender in senders {
        let kind = kinds.iter().find(|(id, _)| *id == sender.channel_id);
        let account_carries = kind.is_some_and(|(_, kind)| kind.carries_files());
        let of_sender = countries.iter().find(|(id, _)| *id == sender.id);
        let countries = of_sender.map(|(_, countries)| countries.clone()).unwrap_or_default();
        let registered = tx.registered_for(workspace_id, sender.id)?;
        let facts = SenderFacts::new(sender.kind, &sender.address, countries.clone(), registered);
        // Where it is meant to send; without a list, where the business is.
        let shown = if countries.is_empty() { vec![home.clone()] } else { countries.clone() };
        let readiness = shown.into_iter().map(|country| {
            let cleared = sender::clear_for(&facts, &country, now);
            let inactive = (sender.registration != Registration::Active)
                .then(|| format!("The carrier has not activated it: {}.", sender.registration));
            let why = inactive.or_else(|| cleared.err().map(|why| why.words().to_owned()));
            let caution = sender::caution(&facts, &country).filter(|_| why.is_none()).map(str::to_owned);
            SenderReadiness { country, ready: why.is_none(), why, caution }
        });
        let readiness = readiness.collect();
        let registration_ids = links.iter().filter(|(id, _)| *id == sender.id).map(|(_, id)| *id).collect();
        let alphabet = alphabets.iter().find(|(id, _)| *id == sender.id);
        let alphabet = alphabet.map_or(SenderAlphabet::Any, |(_, alphabet)| *alphabet);
        let is_two_way = sender.kind.is_two_way();
        let sends_files = account_carries && sender::sends_files(&facts);
        let segments_per_second = rates.iter().find(|(id, _)| *id == sender.id).map(|(_, rate)| *rate);
        let fallback = fallbacks.iter().find(|(id, ..)| *id == sender.id);
        let fallback_id = fallback.map(|(_, to, _)| *to);
        let fallback_after_seconds = fallback.map(|(.., seconds)| *seconds);
        let own = || routed.iter().filter(|(id, ..)| *id == sender.id);
        let route_by = own().next().map(|(_, by, _)| *by);
        let routes = own().filter_map(|(.., route)| channels.iter().find(|(id, _)| id == route));
        let routes = routes.map(|(sender_id, channel_id)| {
            let share = shares.get(&(*channel_id, String::new()));
            let (delivered, settled) = share.map(|share| (share.delivered, share.settled)).unzip();
            SenderRoute { sender_id: *sender_id, channel_id: *channel_id, delivered, settled }
        });
        let routes = routes.collect();
        let hours = hours.iter().find(|(id, _)| *id == sender.id).map(|(_, hours)| hours.clone()).unwrap_or_default();
        all.push(SenderDetail {
            sender: sender.into(),
            countries,
            registration_ids,
            is_two_way,
            sends_files,
            alphabet,
            segments_per_second,
            fallback_id,
            fallback_after_seconds,
            route_by,
            routes,
            quiet_hours: hours.quiet_hours.into(),
            quiet_spans: span_bodies(hours.quiet_spans),
            readiness,
        });
    }
    Ok(all)
}

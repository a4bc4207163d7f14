//! Routes of senders: the accounts on which the same number or name can send, what each costs, and what it delivered.
//!
//! All that a choice needs is read once for many messages ([`Tx::sender_routes`]); the choice itself is
//! `model::route::choose_route`, and it is kept in the message's payload, in the statement that queues it: a crash leaves
//! both or neither. Shares are counted from the outbox beside everything else and replaced as a whole, so a crash leaves
//! those of before.

use std::collections::{BTreeMap, BTreeSet};

use segue_model::{
    ChannelId, PhoneNumber, SenderId, Timestamp, WorkspaceId,
    delivery::OutboxState,
    place_of_phone,
    route::{RouteBy, Share},
    time,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, channel::Sender, tx::json_text, workspace::SegmentPrice};

/// How far back messages count.
pub const WINDOW: i64 = time::DAY;
/// The window is looked at in so many parts, and in each at about so many messages: a sample of a large campaign, all of
/// the rest.
const SLICES: i64 = 24;
const PER_SLICE: i64 = 2_000;
/// For how long shares count.
const KEEP: i64 = time::HOUR;
/// Most messages that are read of a part, whichever accounts they left by.
const MOST_READ: i64 = 20_000;
/// After how long without a word a message counts as not delivered.
const SILENCE: i64 = time::HOUR;

/// A route of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The sender on the route's account.
    pub sender: Sender,
    /// Since when that account is without connection.
    pub down_since: Option<Timestamp>,
}

/// The routes of a sender in their order, and what decides among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    pub by: RouteBy,
    pub routes: Vec<Route>,
}

/// What segments cost on an account from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChannelPrices {
    #[schema(value_type = String)]
    pub id: Uuid,
    pub valid_from: Timestamp,
    /// ISO 4217 code.
    pub currency: String,
    pub prices: Vec<SegmentPrice>,
    /// Price of a thousand segments to any other country, in minor units; unknown when it is not given.
    pub other_price: Option<i64>,
    /// Who wrote it.
    pub actor: String,
    pub created_at: Timestamp,
}

impl ChannelPrices {
    /// The price of a thousand segments to a country, in minor units.
    #[must_use]
    pub fn price(&self, country: Option<&str>) -> Option<i64> {
        let own = self.prices.iter().find(|price| Some(price.country.as_str()) == country);
        own.map(|price| price.per_thousand).or(self.other_price)
    }
}

/// What was delivered, by account and country; an empty country is all of them.
pub type Shares = BTreeMap<(ChannelId, String), Share>;

/// Shares with the moment they were counted at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountedShares {
    pub shares: Shares,
    pub at: Option<Timestamp>,
}

impl CountedShares {
    /// Whether they still say something: they are counted every few minutes, so old ones are left over.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.at.is_some_and(|at| is_current(at, now))
    }
}

/// Whether shares that were counted at this moment still say something.
#[must_use]
pub const fn is_current(counted_at: Timestamp, now: Timestamp) -> bool {
    now.since(counted_at) < KEEP
}

crate::sql! {
    ROUTE_BY = "SELECT route_by FROM senders WHERE workspace_id = $1 AND id = $2";
    SET_ROUTE_BY = "UPDATE senders SET route_by = $3 WHERE workspace_id = $1 AND id = $2";
    ROUTES_OF_SENDER = "SELECT s.id, s.channel_id, s.address, s.kind, s.registration, s.created_at, c.down_since
        FROM sender_routes r JOIN senders s ON s.workspace_id = r.workspace_id AND s.id = r.route_id
        JOIN channels c ON c.workspace_id = s.workspace_id AND c.id = s.channel_id
        WHERE r.workspace_id = $1 AND r.sender_id = $2 ORDER BY r.place";
    ALL_ROUTES = "SELECT r.sender_id, s.route_by, r.route_id FROM sender_routes r
        JOIN senders s ON s.workspace_id = r.workspace_id AND s.id = r.sender_id
        WHERE r.workspace_id = $1 AND s.route_by IS NOT NULL ORDER BY r.sender_id, r.place";
    CLEAR_ROUTES = "DELETE FROM sender_routes WHERE workspace_id = $1 AND sender_id = $2";
    ADD_ROUTE = "INSERT INTO sender_routes (workspace_id, sender_id, place, route_id) VALUES ($1, $2, $3, $4)";
    ADD_PRICES = "INSERT INTO channel_prices (workspace_id, channel_id, valid_from, id, currency, prices, other_price,
            actor, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    PRICES_OF_CHANNEL = "SELECT id, valid_from, currency, prices, other_price, actor, created_at FROM channel_prices
        WHERE workspace_id = $1 AND channel_id = $2 ORDER BY valid_from DESC, id DESC LIMIT $3";
    SHARES = "SELECT channel_id, country, delivered, settled, counted_at FROM route_shares WHERE workspace_id = $1
        ORDER BY channel_id, country";
    ROUTED_CHANNELS = "SELECT DISTINCT t.channel_id FROM sender_routes r
        JOIN senders s ON s.workspace_id = r.workspace_id AND s.id = r.sender_id
        JOIN senders t ON t.workspace_id = r.workspace_id AND t.id = r.route_id
        WHERE r.workspace_id = $1 AND s.route_by = 'delivery' ORDER BY t.channel_id";
    FATES = "SELECT id, channel_id, address, state, accepted_at, submitted_at FROM outbox
        WHERE workspace_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4";
    CLEAR_SHARES = "DELETE FROM route_shares WHERE workspace_id = $1";
    PUT_SHARE = "INSERT INTO route_shares (workspace_id, channel_id, country, delivered, settled, counted_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
}

/// Most versions of prices that are shown.
const VERSIONS: i64 = 200;

fn read_route(row: &mut Row<'_>) -> Result<Route, StoreError> {
    let sender = Sender {
        id: row.next()?,
        channel_id: row.next()?,
        address: row.next()?,
        kind: row.word()?,
        registration: row.word()?,
        created_at: row.next()?,
    };
    Ok(Route { sender, down_since: row.next()? })
}

fn read_prices(row: &mut Row<'_>) -> Result<ChannelPrices, StoreError> {
    Ok(ChannelPrices {
        id: row.next()?,
        valid_from: row.next()?,
        currency: row.next()?,
        prices: row.json()?,
        other_price: row.next()?,
        actor: row.next()?,
        created_at: row.next()?,
    })
}

/// The smallest id of messages that were made at this moment or later: ids begin with their time.
fn first_id(at: i64) -> Uuid {
    let milliseconds = u128::try_from(at.max(0)).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

/// A message of the window.
struct Sent {
    channel: ChannelId,
    address: String,
    state: OutboxState,
    accepted_at: Option<Timestamp>,
    was_submitted: bool,
}

/// What the fate of a message says: delivered or not. `None` while nobody can say.
fn fate(state: OutboxState, accepted_at: Option<Timestamp>, was_submitted: bool, now: Timestamp) -> Option<bool> {
    match state {
        OutboxState::Delivered | OutboxState::Read => Some(true),
        OutboxState::Failed => was_submitted.then_some(false),
        OutboxState::Accepted => accepted_at.is_some_and(|at| now.since(at) >= SILENCE).then_some(false),
        _ => None,
    }
}

impl Tx<'_> {
    /// The routes of a sender; `None` when it has none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_routes(&mut self, workspace_id: WorkspaceId, id: SenderId) -> Result<Option<Routes>, StoreError> {
        let by = self.query_opt(&ROUTE_BY, &[&workspace_id, &id], |row| row.optional_word::<RouteBy>())?;
        let Some(by) = by.flatten() else { return Ok(None) };
        let routes = self.query(&ROUTES_OF_SENDER, &[&workspace_id, &id], read_route)?;
        Ok(Some(Routes { by, routes }))
    }

    /// Which senders have routes: the sender, what decides, and each route in its order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn all_routes(&mut self, workspace_id: WorkspaceId) -> Result<Vec<(SenderId, RouteBy, SenderId)>, StoreError> {
        self.query(&ALL_ROUTES, &[&workspace_id], |row| Ok((row.next()?, row.word()?, row.next()?)))
    }

    /// Sets the routes of a sender in their order; without any, it leaves by its own account alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_sender_routes(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        by: RouteBy,
        routes: &[SenderId],
    ) -> Result<(), StoreError> {
        let word = (!routes.is_empty()).then(|| by.as_str());
        self.execute(&SET_ROUTE_BY, &[&workspace_id, &id, &word])?;
        self.execute(&CLEAR_ROUTES, &[&workspace_id, &id])?;
        for (place, route) in (0_i64..).zip(routes) {
            self.execute(&ADD_ROUTE, &[&workspace_id, &id, &place, route])?;
        }
        Ok(())
    }

    /// Adds a version of an account's prices.
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_channel_prices(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        prices: &ChannelPrices,
    ) -> Result<(), StoreError> {
        let text = json_text(&prices.prices)?;
        let keys: &[&dyn crate::Bind] = &[
            &workspace_id,
            &channel_id,
            &prices.valid_from,
            &prices.id,
            &prices.currency,
            &text,
            &prices.other_price,
            &prices.actor,
            &prices.created_at,
        ];
        self.execute(&ADD_PRICES, keys).map(|_| ())
    }

    /// The versions of an account's prices, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel_prices(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
    ) -> Result<Vec<ChannelPrices>, StoreError> {
        self.query(&PRICES_OF_CHANNEL, &[&workspace_id, &channel_id, &VERSIONS], read_prices)
    }

    /// What was delivered in the window that was counted last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn route_shares(&mut self, workspace_id: WorkspaceId) -> Result<CountedShares, StoreError> {
        let mut counted = CountedShares::default();
        let rows = self.query(&SHARES, &[&workspace_id], |row| {
            let key = (row.next::<ChannelId>()?, row.next::<String>()?);
            Ok((key, Share { delivered: row.next()?, settled: row.next()? }, row.next::<Timestamp>()?))
        })?;
        for (key, share, at) in rows {
            counted.shares.insert(key, share);
            counted.at = Some(at);
        }
        Ok(counted)
    }

    /// The accounts whose shares somebody asks for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn routed_channels(&mut self, workspace_id: WorkspaceId) -> Result<Vec<ChannelId>, StoreError> {
        self.query(&ROUTED_CHANNELS, &[&workspace_id], |row| row.next())
    }

    /// Counts what was delivered of the messages of the window. An account has no share as long as nothing was reported
    /// of a message that it took: it gives no reports, whether or not it refuses some messages at once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_shares(
        &mut self,
        workspace_id: WorkspaceId,
        channels: &[ChannelId],
        now: Timestamp,
    ) -> Result<Shares, StoreError> {
        let mut shares = Shares::new();
        let mut reporting = BTreeSet::new();
        for slice in 0..SLICES {
            let start = now.0 + 1 - WINDOW + slice * (WINDOW / SLICES);
            let (from, to) = (first_id(start), first_id(start + WINDOW / SLICES));
            for Sent { channel, address, state, accepted_at, was_submitted } in
                self.sent_by(workspace_id, channels, (from, to))?
            {
                let Some(delivered) = fate(state, accepted_at, was_submitted, now) else { continue };
                let is_reported = match state {
                    OutboxState::Delivered | OutboxState::Read => true,
                    // A refusal is an answer at once; a report comes of what was taken.
                    OutboxState::Failed => accepted_at.is_some(),
                    _ => false,
                };
                if is_reported {
                    reporting.insert(channel);
                }
                let phone = address.strip_prefix('+').and_then(|digits| PhoneNumber::from_digits(digits).ok());
                let country = phone.as_ref().and_then(place_of_phone).map(|place| place.country.to_owned());
                for country in [Some(String::new()), country].into_iter().flatten() {
                    let share = shares.entry((channel, country)).or_default();
                    share.settled += 1;
                    share.delivered += u32::from(delivered);
                }
            }
        }
        shares.retain(|(channel, _), _| reporting.contains(channel));
        Ok(shares)
    }

    /// The first messages of a part of the window that left by these accounts: other accounts' do not take their place.
    fn sent_by(
        &mut self,
        workspace_id: WorkspaceId,
        channels: &[ChannelId],
        (mut from, to): (Uuid, Uuid),
    ) -> Result<Vec<Sent>, StoreError> {
        let mut sent = Vec::new();
        for _ in 0..MOST_READ / PER_SLICE {
            let rows = self.query(&FATES, &[&workspace_id, &from, &to, &PER_SLICE], |row| {
                let id: Uuid = row.next()?;
                let (channel, address) = (row.next()?, row.next()?);
                let (state, accepted_at) = (row.word()?, row.next()?);
                let was_submitted = row.next::<Option<Timestamp>>()?.is_some();
                Ok((id, Sent { channel, address, state, accepted_at, was_submitted }))
            })?;
            let is_all = (rows.len() as i64) < PER_SLICE;
            if let Some((last, _)) = rows.last() {
                from = Uuid::from_u128(last.as_u128().saturating_add(1));
            }
            sent.extend(rows.into_iter().map(|(_, row)| row).filter(|row| channels.contains(&row.channel)));
            if is_all || sent.len() as i64 >= PER_SLICE {
                break;
            }
        }
        Ok(sent)
    }

    /// Puts what was counted in place of what was counted before. Two who do it at once do it one after the other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_shares(&mut self, workspace_id: WorkspaceId, shares: &Shares, now: Timestamp) -> Result<(), StoreError> {
        self.lock("route_shares", &workspace_id)?;
        self.execute(&CLEAR_SHARES, &[&workspace_id])?;
        for ((channel, country), share) in shares {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, channel, country, &share.delivered, &share.settled, &now];
            self.execute(&PUT_SHARE, keys)?;
        }
        Ok(())
    }
}

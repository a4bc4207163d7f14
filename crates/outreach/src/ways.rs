//! The accounts a sender can leave by, with what decides among them.
//!
//! They are read once for many messages, at most a few statements for each sender: choosing asks the store for nothing.
//! What was chosen stands in the message's payload, so it is written with the message or not at all.
//!
//! A text is composed for the sender, so an account is chosen first without it; once the text is there, an account that
//! does not take its characters gives way to one that does ([`Way::carrying`]).

use std::{collections::BTreeMap, ops::Deref};

use segue_channels::text::written_in;

use segue_model::{
    MediaId, PhoneNumber, SenderId, Timestamp, WorkspaceId,
    content::SmsContent,
    place_of_phone,
    policy::Approval,
    route::{RouteBy, RouteFacts, RouteNote, Share, choose_route, draw},
    time,
};
use segue_store::{
    StoreError, Tx,
    outbox::Payload,
    route::{ChannelPrices, CountedShares, is_current},
};
use serde::Serialize;

use crate::origin::{Load, Origin};

/// An account that has been without connection for less than this is taken for connected: it is about to be again.
const BLINK: i64 = time::MINUTE;

/// Who a text leaves from, on which account, and why on that one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    /// The sender that is named, whose routes were chosen among.
    pub named: &'a Origin,
    pub origin: &'a Origin,
    /// The decision, where there was one to take.
    pub note: Option<RouteNote>,
}

impl Deref for Way<'_> {
    type Target = Origin;

    fn deref(&self) -> &Origin {
        self.origin
    }
}

impl<'a> Way<'a> {
    /// This way for a text, or the best of those that take its characters where this one does not. Where none does it
    /// stays as it is.
    pub(crate) fn carrying(self, text: &str, phone: Option<&PhoneNumber>, now: Timestamp) -> Self {
        if written_in(text, self.origin.facts.alphabet).is_some() {
            return self;
        }
        let (Some(ways), Some(phone)) = (self.named.ways(), phone) else { return self };
        let takes = |origin: &Origin| written_in(text, origin.facts.alphabet).is_some();
        match ways.choose(phone, now, takes) {
            Some((origin, note)) => Way { origin, note: Some(RouteNote { by_characters: true, ..note }), ..self },
            None => self,
        }
    }

    /// What is queued for a text that leaves this way.
    ///
    /// # Errors
    /// When it has no JSON form, which is a defect.
    pub(crate) fn payload(self, text: String, media: &[MediaId]) -> Result<Payload, StoreError> {
        let content = SmsContent { source: self.origin.sender.address.clone(), text, media: media.to_vec() };
        Payload::of(&Routed { content, route: self.note })
    }
}

/// A text with the decision about its route.
#[derive(Serialize)]
struct Routed {
    #[serde(flatten)]
    content: SmsContent,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<RouteNote>,
}

/// One account of several.
#[derive(Debug, Clone)]
struct Account {
    origin: Origin,
    /// Since when it is without connection.
    down_since: Option<Timestamp>,
    /// The versions of its prices, the latest first.
    prices: Vec<ChannelPrices>,
    /// What it delivered, by country; an empty country is all of them.
    shares: BTreeMap<String, Share>,
    /// When that was counted.
    counted_at: Option<Timestamp>,
}

impl Account {
    fn prices_at(&self, now: Timestamp) -> Option<&ChannelPrices> {
        self.prices.iter().find(|prices| prices.valid_from <= now)
    }

    fn facts(&self, phone: &PhoneNumber, now: Timestamp) -> RouteFacts {
        let country = place_of_phone(phone).map(|place| place.country);
        let is_current = self.counted_at.is_some_and(|at| is_current(at, now));
        let share = |country: &str| self.shares.get(country).copied().filter(|share| is_current && share.counts());
        RouteFacts {
            may_send: self.origin.approval() == Approval::Approved
                && self.origin.not_cleared(Some(phone), now).is_none(),
            is_connected: self.down_since.is_none_or(|since| now.since(since) < BLINK),
            per_thousand: self.prices_at(now).and_then(|prices| prices.price(country)),
            share: country.and_then(share).or_else(|| share("")),
        }
    }
}

/// The accounts of a sender in their order.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    by: RouteBy,
    accounts: Vec<Account>,
}

impl Ways {
    /// Reads the routes of a sender; `None` when it has none.
    pub(crate) fn of(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        id: SenderId,
        load: Load,
    ) -> Result<Option<Self>, StoreError> {
        let Some(found) = tx.sender_routes(workspace_id, id)? else { return Ok(None) };
        let counted = match found.by {
            RouteBy::Delivery => tx.route_shares(workspace_id)?,
            RouteBy::Order | RouteBy::Price => CountedShares::default(),
        };
        let currency = tx.workspace(workspace_id)?.map(|workspace| workspace.settings.campaigns.currency.clone());
        let mut accounts = Vec::with_capacity(found.routes.len());
        for route in found.routes {
            let channel_id = route.sender.channel_id;
            let mut prices = match found.by {
                RouteBy::Price => tx.channel_prices(workspace_id, channel_id)?,
                RouteBy::Order | RouteBy::Delivery => Vec::new(),
            };
            // Prices of two currencies cannot be compared.
            prices.retain(|prices| Some(&prices.currency) == currency.as_ref());
            let own = counted.shares.iter().filter(|((channel, _), _)| *channel == channel_id);
            accounts.push(Account {
                down_since: route.down_since,
                counted_at: counted.at,
                prices,
                shares: own.map(|((_, country), share)| (country.clone(), *share)).collect(),
                origin: Origin::alone(tx, workspace_id, route.sender, load)?,
            });
        }
        Ok(Some(Self { by: found.by, accounts }))
    }

    /// Every account.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.accounts.iter().map(|account| &account.origin)
    }

    /// The account a text to this number leaves by, of those that `takes` lets through, and why. `None` when none may
    /// send there.
    pub(crate) fn choose(
        &self,
        phone: &PhoneNumber,
        now: Timestamp,
        takes: impl Fn(&Origin) -> bool,
    ) -> Option<(&Origin, RouteNote)> {
        let facts = |account: &Account| {
            let facts = account.facts(phone, now);
            RouteFacts { may_send: facts.may_send && takes(&account.origin), ..facts }
        };
        let facts: Vec<_> = self.accounts.iter().map(facts).collect();
        let (place, note) = choose_route(self.by, &facts, draw(phone.as_str()))?;
        Some((&self.accounts.get(place)?.origin, note))
    }
}

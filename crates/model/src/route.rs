//! Routes of a sender: the same number or name on several accounts, and which of them a text leaves by.
//!
//! The choice is a pure function of what is known when the message is written, so two who choose at once choose the same,
//! and it is kept with the message. It says which one account a message waits for; a message never waits for two, so
//! that choosing can send nothing twice.

use serde::{Deserialize, Serialize};

/// Fewest messages whose fate is known for a share to count: below that, one lost message changes the order.
pub const ENOUGH: u32 = 100;
/// Of a hundred texts so many go by a route of which too little is known, until enough is.
pub const TRIALS_IN_100: u32 = 5;

crate::text_enum! {
    /// What decides among the routes of a sender.
    pub enum RouteBy {
        /// The order they stand in.
        Order = "order",
        /// The lowest price of a segment to the recipient's country.
        Price = "price",
        /// The largest share delivered of what was written in the last 24 hours.
        Delivery = "delivery",
    }
}

crate::text_enum! {
    /// Why a message leaves by its route.
    pub enum RouteReason {
        /// It is the first of the order that can send there.
        First = "first",
        /// It has the lowest price.
        Cheapest = "cheapest",
        /// No route has a price there, so that the order counts.
        NoPrice = "no_price",
        /// The largest share of its messages was delivered.
        MostDelivered = "most_delivered",
        /// Too little is known of any route, so that the order counts.
        TooLittleKnown = "too_little_known",
        /// Too little is known of it, and a few texts find out.
        Trial = "trial",
    }
}

/// How many messages of a route were delivered, of those whose fate is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub delivered: u32,
    pub settled: u32,
}

impl Share {
    /// Whether it says enough.
    #[must_use]
    pub const fn counts(self) -> bool {
        self.settled >= ENOUGH
    }

    /// Whether more of these were delivered, by the fraction.
    fn beats(self, other: Self) -> bool {
        u64::from(self.delivered) * u64::from(other.settled) > u64::from(other.delivered) * u64::from(self.settled)
    }
}

/// What is known of a route for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteFacts {
    /// Whether it may send there at all.
    pub may_send: bool,
    /// Whether its account has a connection.
    pub is_connected: bool,
    /// Price of a thousand segments there, in minor units.
    pub per_thousand: Option<i64>,
    /// What was delivered there, or of all its messages where too few went there.
    pub share: Option<Share>,
}

/// The decision about a message's route, as it is kept with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RouteNote {
    pub by: RouteBy,
    pub reason: RouteReason,
    /// The price it was chosen for: of a thousand segments, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_thousand: Option<i64>,
    /// How many messages were delivered of `settled`, which it was chosen for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u32>,
    /// Of how many messages the fate was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<u32>,
    /// The one that would have been chosen does not take the characters of the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_characters: bool,
}

/// Chooses among the routes in their order: the place of one that may send, and why. `None` when none may. One without
/// connection is passed over while another that may send has one. `draw` is a number below 100 that is as good as random
/// for each recipient.
#[must_use]
pub fn choose_route(by: RouteBy, routes: &[RouteFacts], draw: u32) -> Option<(usize, RouteNote)> {
    let mut able: Vec<(usize, RouteFacts)> =
        routes.iter().copied().enumerate().filter(|(_, route)| route.may_send).collect();
    if able.iter().any(|(_, route)| route.is_connected) {
        able.retain(|(_, route)| route.is_connected);
    }
    let (first, _) = *able.first()?;
    let of_order = |reason| {
        let note = RouteNote { by, reason, per_thousand: None, delivered: None, settled: None, by_characters: false };
        (first, note)
    };
    Some(match by {
        RouteBy::Order => of_order(RouteReason::First),
        RouteBy::Price => {
            let priced = able.iter().filter_map(|(place, route)| Some((route.per_thousand?, *place)));
            match priced.min() {
                Some((price, place)) => {
                    (place, RouteNote { per_thousand: Some(price), ..of_order(RouteReason::Cheapest).1 })
                }
                None => of_order(RouteReason::NoPrice),
            }
        }
        RouteBy::Delivery => {
            let known = able.iter().filter_map(|(place, route)| Some((*place, route.share.filter(|it| it.counts())?)));
            let best = known.reduce(|best, next| if next.1.beats(best.1) { next } else { best });
            let Some((place, share)) = best else { return Some(of_order(RouteReason::TooLittleKnown)) };
            let untried = able.iter().filter(|(_, route)| !route.share.is_some_and(Share::counts));
            let untried: Vec<usize> = untried.map(|(place, _)| *place).collect();
            // Each of them gets some of the few, so that one which never reports does not keep the others unknown.
            let trial = usize::try_from(draw).ok().and_then(|draw| draw.checked_rem(untried.len()));
            match trial.and_then(|trial| untried.get(trial)) {
                Some(trial) if draw < TRIALS_IN_100 => (*trial, of_order(RouteReason::Trial).1),
                _ => {
                    let note = of_order(RouteReason::MostDelivered).1;
                    (place, RouteNote { delivered: Some(share.delivered), settled: Some(share.settled), ..note })
                }
            }
        }
    })
}

/// A number below 100 that is as good as random for each address.
#[must_use]
pub fn draw(address: &str) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in address.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // The last digits have hardly reached the upper bits yet.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    u32::try_from((hash ^ (hash >> 31)) % 100).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABLE: RouteFacts = RouteFacts { may_send: true, is_connected: true, per_thousand: None, share: None };

    fn priced(per_thousand: i64) -> RouteFacts {
        RouteFacts { per_thousand: Some(per_thousand), ..ABLE }
    }

    fn shared(delivered: u32, settled: u32) -> RouteFacts {
        RouteFacts { share: Some(Share { delivered, settled }), ..ABLE }
    }

    fn chosen(by: RouteBy, routes: &[RouteFacts], draw: u32) -> Option<(usize, RouteReason)> {
        choose_route(by, routes, draw).map(|(place, note)| (place, note.reason))
    }

    #[test]
    fn only_what_may_send_is_chosen_and_what_has_no_connection_last() {
        let barred = RouteFacts { may_send: false, ..priced(1) };
        let cut = RouteFacts { is_connected: false, ..priced(1) };
        for by in RouteBy::ALL {
            assert_eq!(choose_route(*by, &[], 0), None);
            assert_eq!(choose_route(*by, &[barred], 0), None, "{by}");
            assert_eq!(chosen(*by, &[barred, priced(9)], 50).map(|it| it.0), Some(1), "{by}");
            assert_eq!(chosen(*by, &[cut, priced(9)], 50).map(|it| it.0), Some(1), "{by}");
            assert_eq!(chosen(*by, &[barred, cut], 50).map(|it| it.0), Some(1), "waits for its account: {by}");
        }
    }

    #[test]
    fn the_order_counts_where_nothing_else_is_known() {
        assert_eq!(chosen(RouteBy::Order, &[ABLE, priced(1)], 0), Some((0, RouteReason::First)));
        assert_eq!(chosen(RouteBy::Price, &[ABLE, ABLE], 0), Some((0, RouteReason::NoPrice)));
        assert_eq!(chosen(RouteBy::Delivery, &[ABLE, shared(99, 99)], 0), Some((0, RouteReason::TooLittleKnown)));
    }

    #[test]
    fn the_lowest_price_goes_first_and_the_order_among_equals() {
        let routes = [priced(700), ABLE, priced(650), priced(650)];
        let (place, note) = choose_route(RouteBy::Price, &routes, 0).unwrap();
        assert_eq!((place, note.reason, note.per_thousand), (2, RouteReason::Cheapest, Some(650)));
    }

    #[test]
    fn the_largest_share_goes_first_and_a_few_texts_try_what_is_not_known() {
        let routes = [shared(900, 1_000), shared(96, 100), shared(99, 99)];
        let (place, note) = choose_route(RouteBy::Delivery, &routes, 50).unwrap();
        assert_eq!((place, note.reason), (1, RouteReason::MostDelivered));
        assert_eq!((note.delivered, note.settled), (Some(96), Some(100)));
        assert_eq!(chosen(RouteBy::Delivery, &routes, TRIALS_IN_100 - 1), Some((2, RouteReason::Trial)));
        assert_eq!(chosen(RouteBy::Delivery, &routes, TRIALS_IN_100), Some((1, RouteReason::MostDelivered)));
        assert_eq!(chosen(RouteBy::Delivery, &routes[..2], 0), Some((1, RouteReason::MostDelivered)), "all are known");
        let several = [shared(99, 99), shared(96, 100), ABLE, ABLE];
        let mut tried: Vec<_> =
            (0..TRIALS_IN_100).filter_map(|draw| chosen(RouteBy::Delivery, &several, draw)).collect();
        tried.sort_by_key(|(place, _)| *place);
        tried.dedup();
        assert_eq!(tried, [0, 2, 3].map(|place| (place, RouteReason::Trial)), "each of which too little is known");
        let equal = [shared(190, 200), shared(95, 100)];
        assert_eq!(chosen(RouteBy::Delivery, &equal, 50), Some((0, RouteReason::MostDelivered)), "the order");
    }

    #[test]
    fn draws_are_spread_and_stay() {
        let low = (0..10_000).filter(|n| draw(&format!("+1212555{n:04}")) < TRIALS_IN_100).count();
        assert!((400..600).contains(&low), "{low}");
        assert_eq!(draw("+12125550100"), draw("+12125550100"));
    }

    #[test]
    fn a_note_is_short_and_reads_back() {
        let note = choose_route(RouteBy::Order, &[ABLE], 0).unwrap().1;
        let text = serde_json::to_string(&note).unwrap();
        assert_eq!(text, r#"{"by":"order","reason":"first"}"#);
        assert_eq!(serde_json::from_str::<RouteNote>(&text).unwrap(), note);
    }
}

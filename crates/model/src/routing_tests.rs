use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn agent(id: u128) -> Candidate {
    Candidate {
        user_id: UserId(Uuid::from_u128(id)),
        status: PresenceStatus::Available,
        connected: true,
        capacity: 4,
        load: 0,
        last_offer_at: None,
        declined: false,
    }
}

fn chosen(agents: &[Candidate]) -> Option<u128> {
    choose(agents, 1).map(|id| id.0.as_u128())
}

#[test]
fn least_loaded_then_longest_without_an_offer_then_id() {
    assert_eq!(chosen(&[]), None);
    assert_eq!(chosen(&[Candidate { load: 1, ..agent(1) }, agent(2)]), Some(2));
    let small = Candidate { load: 1, capacity: 2, ..agent(1) };
    let large = Candidate { load: 3, capacity: 10, ..agent(2) };
    assert_eq!(chosen(&[small, large]), Some(2), "a third of the capacity is less than half");
    let early = Candidate { last_offer_at: Some(Timestamp(1)), ..agent(3) };
    let late = Candidate { last_offer_at: Some(Timestamp(2)), ..agent(1) };
    assert_eq!(chosen(&[late.clone(), early.clone()]), Some(3));
    assert_eq!(chosen(&[late, early, agent(9)]), Some(9), "never had one");
    assert_eq!(chosen(&[agent(2), agent(1)]), Some(1));
}

#[test]
fn a_lone_agent_who_declined_is_asked_again() {
    let declined = Candidate { declined: true, ..agent(1) };
    assert_eq!(chosen(&[declined.clone(), Candidate { load: 3, ..agent(2) }]), Some(2), "others first");
    assert_eq!(chosen(&[declined.clone(), Candidate { load: 4, ..agent(2) }]), Some(1), "others are full");
    assert_eq!(chosen(&[declined]), Some(1));
}

#[test]
fn presence() {
    use PresenceStatus::{Available, Away, Busy, Offline};
    for status in PresenceStatus::ALL {
        assert_eq!(status.after(PresenceChange::ConnectionLost), Offline);
        assert_eq!(status.after(PresenceChange::SignedOut), Offline);
        assert_eq!(status.after(PresenceChange::Chosen(Busy)), Busy);
        assert_eq!(status.takes_offers(), *status == Available);
    }
    assert!(!Away.takes_offers());
}

#[test]
fn work_items() {
    use WorkItemState::{Accepted, Closed, Offered, Waiting};
    use WorkItemStep::{Accept, Close, Offer, OfferEnded, Release};
    assert_eq!(Waiting.after(Offer), Ok(Offered));
    assert_eq!(Offered.after(OfferEnded), Ok(Waiting));
    assert_eq!(Offered.after(Accept), Ok(Accepted));
    assert_eq!(Accepted.after(Release), Ok(Waiting));
    assert!(Offered.after(Offer).is_err(), "one offer at a time");
    assert!(Accepted.after(Accept).is_err(), "one agent per session");
    for state in WorkItemState::ALL {
        assert_eq!(state.after(Close).is_ok(), *state != Closed);
    }
    for step in WorkItemStep::ALL {
        assert!(Closed.after(*step).is_err());
    }
    assert_eq!(OfferState::ALL.iter().filter(|state| state.is_open()).count(), 1);
}

prop_compose! {
    fn any_agent()(
        id in 1u128..50,
        status in prop::sample::select(PresenceStatus::ALL),
        connected in prop::bool::weighted(0.8),
        capacity in 0u32..6,
        load in 0u32..6,
        last in prop::option::of(0i64..5),
        declined in any::<bool>(),
    ) -> Candidate {
        let last_offer_at = last.map(Timestamp);
        Candidate { user_id: UserId(Uuid::from_u128(id)), status, connected, capacity, load, last_offer_at, declined }
    }
}

proptest! {
    #[test]
    fn capacity_is_never_exceeded_and_nobody_starves(
        agents in prop::collection::vec(any_agent(), 0..8), weight in 1u32..4,
    ) {
        let eligible = agents.iter().filter(|agent| {
            agent.status == PresenceStatus::Available && agent.connected && agent.load + weight <= agent.capacity
        }).collect::<Vec<_>>();
        match choose(&agents, weight) {
            None => prop_assert!(eligible.is_empty()),
            Some(id) => {
                let best = eligible.iter().filter(|agent| agent.user_id == id).collect::<Vec<_>>();
                prop_assert!(!best.is_empty());
                if eligible.iter().any(|agent| !agent.declined) {
                    prop_assert!(best.iter().any(|agent| !agent.declined));
                }
                for other in eligible.iter().filter(|other| best.iter().all(|agent| agent.declined || !other.declined)) {
                    prop_assert!(best.iter().any(|agent|
                        agent.load * other.capacity <= other.load * agent.capacity || agent.declined != other.declined));
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(agents in prop::collection::vec(any_agent(), 0..8), by in 0usize..8) {
        let mut turned = agents.clone();
        if !turned.is_empty() {
            let by = by % turned.len();
            turned.rotate_left(by);
        }
        prop_assert_eq!(choose(&agents, 1), choose(&turned, 1));
    }
}

//! Registrations: what carriers and regulators have to approve before a sender may send, and how far each has come.

use serde::{Deserialize, Serialize};

use crate::{
    RegistrationId, Timestamp,
    id::Id as _,
    rate::{RateLimit, RateWindow},
    time,
};

crate::text_enum! {
    /// What is registered.
    pub enum RegistrationKind {
        /// The company, at The Campaign Registry.
        Brand = "brand",
        /// What its numbers of ten digits are used for, at The Campaign Registry.
        Campaign = "campaign",
        /// A toll-free number's verification.
        TollFree = "toll_free",
        /// A short code with its programme.
        ShortCode = "short_code",
        /// A name, in the countries that ask for it.
        SenderId = "sender_id",
    }
}

impl RegistrationKind {
    /// Its name on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Brand => "The brand registration",
            Self::Campaign => "The campaign registration",
            Self::TollFree => "The toll-free verification",
            Self::ShortCode => "The short code approval",
            Self::SenderId => "The sender ID registration",
        }
    }

    /// What to do when there is none.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Brand | Self::Campaign => {
                "Register it at The Campaign Registry through your provider, then add it under Setup, Senders."
            }
            Self::TollFree => "Ask your provider to verify the number. Add it under Setup, Senders.",
            Self::ShortCode => "Lease the code and have its programme approved. Add it under Setup, Senders.",
            Self::SenderId => "Register the name in that country through your provider. Add it under Setup, Senders.",
        }
    }

    /// How long it usually takes from submission to decision, in milliseconds: what providers tell their customers.
    #[must_use]
    pub const fn usual_time(self) -> i64 {
        match self {
            Self::Brand => 3 * time::DAY,
            Self::Campaign => 21 * time::DAY,
            Self::TollFree => 14 * time::DAY,
            Self::ShortCode => 84 * time::DAY,
            Self::SenderId => 21 * time::DAY,
        }
    }
}

crate::text_enum! {
    /// How far a registration has come.
    pub enum RegistrationState {
        Draft = "draft",
        Submitted = "submitted",
        InReview = "in_review",
        Approved = "approved",
        Rejected = "rejected",
        Expired = "expired",
    }
}

/// The registration cannot go from one state to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A registration that is {} cannot become {}.", .from.label(), .to.label())]
pub struct InvalidRegistrationStep {
    pub from: RegistrationState,
    pub to: RegistrationState,
}

impl RegistrationState {
    /// The states that may follow.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Submitted],
            // A submission can be taken back; some registries decide without telling of the review.
            Self::Submitted => &[Self::Draft, Self::InReview, Self::Approved, Self::Rejected],
            Self::InReview => &[Self::Approved, Self::Rejected],
            // An approval can be withdrawn.
            Self::Approved => &[Self::Rejected, Self::Expired],
            Self::Rejected => &[Self::Draft, Self::Submitted],
            Self::Expired => &[Self::Draft, Self::Submitted],
        }
    }

    /// The step to another state.
    ///
    /// # Errors
    /// When that cannot follow.
    pub fn step(self, to: Self) -> Result<Self, InvalidRegistrationStep> {
        if self.next().contains(&to) { Ok(to) } else { Err(InvalidRegistrationStep { from: self, to }) }
    }

    /// Whether it lets a sender send.
    #[must_use]
    pub const fn is_approved(self) -> bool {
        matches!(self, Self::Approved)
    }

    /// Its name in a sentence.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "not submitted",
            Self::Submitted => "submitted",
            Self::InReview => "in review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }

    /// What to do in this state, in words.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Draft => "Submit it to the registry or your provider, then record that here.",
            Self::Submitted | Self::InReview => "Nothing to do but wait for the decision.",
            Self::Approved => "Nothing to do.",
            Self::Rejected => "Correct what the registry objected to and submit it again.",
            Self::Expired => "Renew it with the registry or your provider and submit it again.",
        }
    }

    /// How near it is to an approval, for choosing the best of several.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Rejected => 0,
            Self::Expired => 1,
            Self::Draft => 2,
            Self::Submitted => 3,
            Self::InReview => 4,
            Self::Approved => 5,
        }
    }
}

/// A registration as the decision about a message needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub id: RegistrationId,
    pub kind: RegistrationKind,
    pub name: String,
    /// ISO 3166-1; none: every country that asks for this kind.
    pub country: Option<String>,
    pub state: RegistrationState,
    /// An approval holds until then.
    pub expires_at: Option<Timestamp>,
    pub rates: Rates,
}

/// How many segments may leave under a registration, because registries and carriers say so. See [`crate::rate`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Such as AT&T's limit for a campaign's class: 4,500, 2,400, 240 or 75.
    pub per_minute: Option<u32>,
    /// Such as T-Mobile's limit for a brand: 200,000, 40,000, 10,000 or 2,000.
    pub per_day: Option<u32>,
}

impl Registered {
    /// Whether it counts in a country.
    #[must_use]
    pub fn covers(&self, country: &str) -> bool {
        self.country.as_deref().is_none_or(|own| own == country)
    }

    /// The limits that count what leaves under it.
    pub fn limits(&self) -> impl Iterator<Item = RateLimit> + '_ {
        let limit = |window, segments: Option<u32>| {
            let segments = segments.filter(|segments| *segments > 0)?;
            Some(RateLimit { of: self.id.uuid(), window, segments })
        };
        let Rates { per_minute, per_day } = self.rates;
        [limit(RateWindow::Minute, per_minute), limit(RateWindow::Day, per_day)].into_iter().flatten()
    }

    /// Its state at a moment: an approval that has run out is one no more, whoever has noticed it.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> RegistrationState {
        match self.state {
            RegistrationState::Approved if self.expires_at.is_some_and(|end| end <= now) => RegistrationState::Expired,
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_approved_that_was_not_submitted() {
        use RegistrationState::{Approved, Draft, Expired, InReview, Rejected, Submitted};
        assert_eq!(Draft.step(Submitted), Ok(Submitted));
        assert_eq!(Submitted.step(InReview).and_then(|state| state.step(Approved)), Ok(Approved));
        assert_eq!(Approved.step(Expired).and_then(|state| state.step(Submitted)), Ok(Submitted));
        assert_eq!(Rejected.step(Draft), Ok(Draft));
        for (from, to) in
            [(Draft, Approved), (Draft, InReview), (Rejected, Approved), (Expired, Approved), (Approved, Draft)]
        {
            let error = from.step(to).unwrap_err();
            assert!(error.to_string().contains("cannot become"), "{error}");
        }
        for state in RegistrationState::ALL {
            assert!(!state.next().contains(state) && !state.next().is_empty());
        }
    }
}

//! What a campaign asks of the policy beside what its workspace sets, and caps that count one series of messages alone: the
//! campaigns with a label, or those of a programme.

use serde::{Deserialize, Serialize};

use crate::{
    ProgrammeId, Timestamp,
    frequency::{FrequencyCap, Period},
    policy::AtQuietHours,
};

/// Longest label, in characters.
pub const LONGEST_LABEL: usize = 60;

/// What a campaign asks of the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignRules {
    /// What becomes of a message that falls into quiet hours; null: what the workspace says.
    pub at_quiet_hours: Option<AtQuietHours>,
    /// Label of the series it belongs to, such as `Newsletter`; caps can count the messages of a label.
    pub label: Option<String>,
    /// The programme in whose name it is sent, whose caps count its messages then. Does not choose the audience.
    pub programme_id: Option<ProgrammeId>,
}

/// At most so many messages to one person of the campaigns with a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelCap {
    /// Upper and lower case are the same.
    pub label: String,
    /// Most messages, from 1 to 100.
    pub messages: u32,
    pub period: Period,
}

impl LabelCap {
    /// The cap without its label.
    #[must_use]
    pub const fn cap(&self) -> FrequencyCap {
        FrequencyCap { messages: self.messages, period: self.period }
    }
}

/// The form in which labels are compared.
#[must_use]
pub fn label_key(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Which messages a cap counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Series {
    /// Of campaigns with this label, in the form of [`label_key`].
    Label(String),
    /// Of campaigns of this programme.
    Programme(ProgrammeId),
}

/// A cap of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesCap {
    pub series: Series,
    /// The label as it is written, or the programme's name.
    pub name: String,
    pub cap: FrequencyCap,
}

/// A cap of a series with what it counted of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedCap {
    /// The label, or the programme's name.
    pub name: String,
    pub cap: FrequencyCap,
    /// When messages of the series were sent to the person, newest first.
    pub sends: Vec<Timestamp>,
}

impl CountedCap {
    /// Why it stops a message, in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("Enough messages of “{}” for this person: at most {}", self.name, self.cap.words())
    }
}

/// The caps that count a campaign's messages: those of its label, and those of its programme with its name.
#[must_use]
pub fn caps_of(
    rules: &CampaignRules,
    labels: &[LabelCap],
    programme: Option<(ProgrammeId, &str, &[FrequencyCap])>,
) -> Vec<SeriesCap> {
    let key = rules.label.as_deref().map(label_key).filter(|key| !key.is_empty());
    let of_label = labels
        .iter()
        .filter(|cap| key.as_deref() == Some(label_key(&cap.label).as_str()))
        .map(|cap| SeriesCap { series: Series::Label(label_key(&cap.label)), name: cap.label.clone(), cap: cap.cap() });
    let of_programme = programme.into_iter().flat_map(|(id, name, caps)| {
        let cap =
            move |cap: &FrequencyCap| SeriesCap { series: Series::Programme(id), name: name.to_owned(), cap: *cap };
        caps.iter().map(cap)
    });
    of_label.chain(of_programme).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_counted_by_the_caps_of_its_label_and_programme() {
        let labels = [
            LabelCap { label: "Newsletter".to_owned(), messages: 1, period: Period::Week },
            LabelCap { label: "Offers".to_owned(), messages: 2, period: Period::Day },
        ];
        let rules = CampaignRules { label: Some("  newsLETTER ".to_owned()), ..Default::default() };
        let caps = caps_of(&rules, &labels, None);
        assert_eq!(caps.len(), 1);
        assert_eq!((caps[0].name.as_str(), caps[0].cap.messages), ("Newsletter", 1));
        assert!(caps_of(&CampaignRules::default(), &labels, None).is_empty(), "no label is no series");
        let id = crate::id::Id::from_uuid(uuid::Uuid::nil());
        let daily = [FrequencyCap { messages: 3, period: Period::Day }];
        let caps = caps_of(&rules, &labels, Some((id, "Wine club", &daily)));
        assert_eq!(caps[1].series, Series::Programme(id));
        assert_eq!(caps.len(), 2);
    }
}

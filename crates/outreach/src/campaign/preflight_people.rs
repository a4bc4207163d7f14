//! Who is behind the figures of a pre-flight: the people of one reason, page by page.
//!
//! It reads and changes nothing. A page is judged anew with everybody before it, so that who shares a line with somebody
//! earlier is told the same reason as by the figures.

use segue_model::{CampaignId, ContactId, Ctx, Timestamp, WorkspaceId};
use segue_store::{Store, StoreError, Tx, campaign::CampaignView};

use super::{
    found,
    lines::{Lines, several},
    members::{Crowd, Entry},
    plan::CHUNK,
    preflight::{Flight, flight},
    preflight_view::PreflightPerson,
    template_preflight,
};
use crate::{Links, OutreachError, text::Body};

/// People of one reason, and where to go on.
///
/// # Errors
/// As [`super::preflight::preflight`].
pub async fn people(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    query: PeopleQuery,
) -> Result<(Vec<PreflightPerson>, Option<PeopleCursor>), OutreachError> {
    let PeopleQuery { rule, after, limit } = query;
    let (now, links) = (ctx.now(), links.clone());
    store
        .read(move |tx| {
            let campaign = found(tx, workspace_id, id)?;
            let judge = Judge::of(tx, &links, (workspace_id, &campaign), now)?;
            let input = &campaign.input;
            let crowd = Crowd::of_audience(tx, workspace_id, &input.audience, now)?.texted_for(&input.rules);
            let mut lines = Lines::default();
            if let Some(after) = after {
                judge.skip(tx, (workspace_id, &crowd), after, &mut lines)?;
            }
            let mut cursor = after;
            let mut people = Vec::new();
            loop {
                let mut page = crowd.page(tx, workspace_id, cursor.map(|cursor| cursor.contact), CHUNK)?;
                page.look_up(tx, workspace_id, &judge.bodies())?;
                let mut position = cursor.map_or(0, |cursor| cursor.position);
                for entry in &page.entries {
                    position += 1;
                    if judge.rule(tx, entry, position, &mut lines)? != rule {
                        continue;
                    }
                    people.push(PreflightPerson {
                        contact_id: entry.member.id,
                        name: entry.member.fields.full_name(),
                        phone: entry.member.fields.phone.clone(),
                    });
                    if people.len() == limit {
                        return Ok((people, Some(PeopleCursor { contact: entry.member.id, position })));
                    }
                }
                match page.next {
                    Some(contact) => cursor = Some(PeopleCursor { contact, position }),
                    None => return Ok((people, None)),
                }
            }
        })
        .await
}

/// Tells the rule of each member, whatever the campaign sends.
enum Judge {
    Texts(Box<Flight>),
    Template(Box<template_preflight::Judge>),
}

impl Judge {
    fn of(
        tx: &mut Tx<'_>,
        links: &Links,
        (workspace_id, campaign): (WorkspaceId, &CampaignView),
        now: Timestamp,
    ) -> Result<Self, OutreachError> {
        let id = campaign.id;
        Ok(match campaign.input.template {
            None => Self::Texts(Box::new(flight(tx, links, workspace_id, id, now)?)),
            Some(_) => Self::Template(Box::new(template_preflight::Judge::of(tx, links, workspace_id, id, now)?)),
        })
    }

    fn bodies(&self) -> Vec<&Body> {
        match self {
            Self::Texts(flight) => flight.bodies_of(),
            Self::Template(judge) => judge.bodies(),
        }
    }

    fn rule(
        &self,
        tx: &mut Tx<'_>,
        entry: &Entry,
        position: u32,
        lines: &mut Lines,
    ) -> Result<&'static str, StoreError> {
        match self {
            Self::Texts(flight) => Ok(flight.judge(tx, entry, position)?.unless_known(lines, entry).rule),
            Self::Template(judge) => judge.rule(tx, entry, position, lines),
        }
    }

    /// Notes the lines that got a message among those up to a cursor.
    fn skip(
        &self,
        tx: &mut Tx<'_>,
        (workspace_id, crowd): (WorkspaceId, &Crowd),
        upto: PeopleCursor,
        lines: &mut Lines,
    ) -> Result<(), OutreachError> {
        let (mut after, mut position) = (None, 0);
        loop {
            let mut page = crowd.page(tx, workspace_id, after, CHUNK)?;
            page.look_up(tx, workspace_id, &self.bodies())?;
            for entry in &page.entries {
                position += 1;
                if position > upto.position {
                    return Ok(());
                }
                if entry.member.fields.phone.as_ref().is_some_and(|phone| several(phone.as_str()).is_some()) {
                    self.rule(tx, entry, position, lines)?;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Which people of a pre-flight to list.
#[derive(Debug, Clone)]
pub struct PeopleQuery {
    /// The reason; `allowed` for those who get it at once.
    pub rule: String,
    pub after: Option<PeopleCursor>,
    pub limit: usize,
}

/// Where a list of people goes on: the last one, and his position in the audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeopleCursor {
    pub contact: ContactId,
    pub position: u32,
}

impl std::fmt::Display for PeopleCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.position, self.contact)
    }
}

impl std::str::FromStr for PeopleCursor {
    type Err = OutreachError;

    fn from_str(text: &str) -> Result<Self, OutreachError> {
        let found = text.split_once('.').and_then(|(position, contact)| {
            Some(Self { position: position.parse().ok()?, contact: contact.parse().ok()? })
        });
        found.ok_or_else(|| OutreachError::invalid("cursor", "This is not a cursor of this list."))
    }
}

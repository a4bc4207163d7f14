//! Which contacts and leads a customer may be, rule by rule.

use segue_model::{
    ContactId, LeadId, PhoneNumber, WorkspaceId,
    linking::{LinkObject, LinkRule, LinkRules, MatchBy},
};
use segue_store::{StoreError, Tx, customer_link::Candidate, messaging_user::MessagingUser};

/// Most matches that one rule looks at.
const MOST: u32 = 10;

/// What is known of a customer when the rules are tried.
pub(crate) struct Known<'a> {
    pub user: &'a MessagingUser,
    /// Whom the text with the message's reference went to.
    pub reference: Option<ContactId>,
    pub phone: Option<&'a PhoneNumber>,
    pub email: Option<&'a str>,
}

/// Somebody who matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Contact(ContactId),
    Lead(LeadId),
}

impl Target {
    /// The contact and the lead that a customer is linked to by it: a lead brings its contact along.
    pub(super) fn ids(
        self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
    ) -> Result<(Option<ContactId>, Option<LeadId>), StoreError> {
        Ok(match self {
            Self::Contact(id) => (Some(id), None),
            Self::Lead(id) => (tx.lead(workspace_id, id)?.and_then(|lead| lead.contact_id), Some(id)),
        })
    }
}

/// Who matches by one rule, the newest first. What the customer is linked to already is left out.
pub(super) fn find(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    known: &Known<'_>,
    rule: &LinkRule,
) -> Result<Vec<Target>, StoreError> {
    let mut found = match rule.object {
        LinkObject::Contact => {
            contacts(tx, workspace_id, known, rule.by)?.into_iter().map(Target::Contact).collect::<Vec<_>>()
        }
        LinkObject::Lead => leads(tx, workspace_id, known, rule.by)?.into_iter().map(Target::Lead).collect(),
    };
    if rule.by == MatchBy::Email {
        found.retain(|target| match target {
            Target::Contact(id) => known.user.contact_id != Some(*id),
            Target::Lead(id) => known.user.lead_id != Some(*id),
        });
    }
    Ok(found)
}

fn contacts(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    known: &Known<'_>,
    by: MatchBy,
) -> Result<Vec<ContactId>, StoreError> {
    let mut found = Vec::new();
    match by {
        MatchBy::Reference => {
            if let Some(id) = known.reference {
                found.extend(tx.contact(workspace_id, id)?.map(|contact| contact.id));
            }
        }
        MatchBy::Identifier => {
            for identifier in tx.identifiers_of(workspace_id, known.user.id)? {
                found.extend(tx.contacts_of_identifier(workspace_id, &identifier, known.user.id, MOST)?);
            }
        }
        MatchBy::Phone | MatchBy::PhoneVariant => {
            for writing in writings(known, by) {
                found.extend(tx.contact_by_phone(workspace_id, &writing)?.map(|contact| contact.id));
            }
        }
        MatchBy::Email => {
            if let Some(email) = known.email {
                found = tx.contacts_of_email(workspace_id, email, MOST)?;
            }
        }
    }
    Ok(newest_first(found))
}

fn leads(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    known: &Known<'_>,
    by: MatchBy,
) -> Result<Vec<LeadId>, StoreError> {
    let mut found = Vec::new();
    match by {
        MatchBy::Reference => {}
        MatchBy::Identifier => {
            for identifier in tx.identifiers_of(workspace_id, known.user.id)? {
                found.extend(tx.leads_of_identifier(workspace_id, &identifier, known.user.id, MOST)?);
            }
        }
        MatchBy::Phone | MatchBy::PhoneVariant => {
            for writing in writings(known, by) {
                found.extend(tx.leads_of_phone(workspace_id, &writing, MOST)?);
            }
        }
        MatchBy::Email => {
            if let Some(email) = known.email {
                found = tx.leads_of_email(workspace_id, email, MOST)?;
            }
        }
    }
    Ok(newest_first(found))
}

/// The writings of the number that a rule looks for: the number itself, or the others of the same line.
fn writings(known: &Known<'_>, by: MatchBy) -> Vec<PhoneNumber> {
    let Some(phone) = known.phone else { return Vec::new() };
    let mut all = phone.writings();
    all.retain(|writing| (writing == phone) == (by == MatchBy::Phone));
    all
}

fn newest_first<T: Ord>(mut found: Vec<T>) -> Vec<T> {
    found.sort_by(|a, b| b.cmp(a));
    found.dedup();
    found
}

/// Everybody whom any of the rules finds, each with all that it matched by.
pub(crate) fn candidates(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    known: &Known<'_>,
    rules: &LinkRules,
) -> Result<Vec<Candidate>, StoreError> {
    let mut all = Vec::<Candidate>::new();
    for rule in &rules.rules {
        for target in find(tx, workspace_id, known, rule)? {
            let (contact_id, lead_id) = match target {
                Target::Contact(id) => (Some(id), None),
                Target::Lead(id) => (None, Some(id)),
            };
            match all.iter_mut().find(|each| (each.contact_id, each.lead_id) == (contact_id, lead_id)) {
                Some(candidate) => candidate.by.push(rule.by),
                None => all.push(Candidate { contact_id, lead_id, by: vec![rule.by] }),
            }
        }
    }
    Ok(all)
}

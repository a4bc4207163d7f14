//! Rules by which a customer who writes is linked to a contact or a lead.
//!
//! The rules are tried in their order. The first whose match has something to do decides; what an agent decided, no rule
//! changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ChannelId;

/// Most rules of one list.
pub const MOST_RULES: usize = 20;

crate::text_enum! {
    /// What a customer and a contact or lead have in common.
    pub enum MatchBy {
        /// The reference in the message is that of the contact's text.
        Reference = "reference",
        /// The same WhatsApp user wrote to another of the workspace's numbers and is linked there.
        Identifier = "identifier",
        /// The phone number, as it is written.
        Phone = "phone",
        /// The phone number in another national writing: Brazil, Mexico, Argentina.
        PhoneVariant = "phone_variant",
        /// The e-mail address that the bot asked for.
        Email = "email",
    }
}

impl MatchBy {
    /// For people: "matched by …".
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reference => "the reference in the message",
            Self::Identifier => "the same WhatsApp user on another number of yours",
            Self::Phone => "the phone number",
            Self::PhoneVariant => "the phone number in another writing",
            Self::Email => "the e-mail address",
        }
    }
}

crate::text_enum! {
    /// What a customer can be linked to.
    pub enum LinkObject {
        Contact = "contact",
        Lead = "lead",
    }
}

crate::text_enum! {
    /// What happens when exactly one matches.
    pub enum OneMatch {
        Link = "link",
        /// The agent chooses.
        Ask = "ask",
        /// The next rule is tried.
        Next = "next",
    }
}

crate::text_enum! {
    /// What happens when several match.
    pub enum ManyMatches {
        LinkNewest = "link_newest",
        /// The agent chooses.
        Ask = "ask",
        /// The next rule is tried.
        Next = "next",
    }
}

crate::text_enum! {
    /// What happens when no rule has linked or asked.
    pub enum NoMatch {
        /// A new contact, when the phone number is known.
        CreateContact = "create_contact",
        CreateLead = "create_lead",
        /// The agent chooses or creates.
        Ask = "ask",
        /// The customer stays without a contact.
        Nothing = "nothing",
    }
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRule {
    pub by: MatchBy,
    pub object: LinkObject,
    pub one: OneMatch,
    pub many: ManyMatches,
}

/// The rules of a workspace or a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRules {
    /// Tried from the first to the last.
    pub rules: Vec<LinkRule>,
    pub none: NoMatch,
}

/// The rules of a workspace and of those of its channels that have their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkingSettings {
    pub workspace: LinkRules,
    #[schema(value_type = std::collections::HashMap<String, LinkRules>)]
    pub channels: BTreeMap<ChannelId, LinkRules>,
}

impl Default for LinkRules {
    fn default() -> Self {
        use {LinkObject as Object, MatchBy as By};
        let link = |by, object| LinkRule { by, object, one: OneMatch::Link, many: ManyMatches::LinkNewest };
        Self {
            rules: vec![
                link(By::Reference, Object::Contact),
                LinkRule { many: ManyMatches::Ask, ..link(By::Identifier, Object::Contact) },
                link(By::Phone, Object::Contact),
                LinkRule { many: ManyMatches::Ask, ..link(By::PhoneVariant, Object::Contact) },
                link(By::Phone, Object::Lead),
                link(By::PhoneVariant, Object::Lead),
                // Anybody can type anybody's address.
                LinkRule { one: OneMatch::Ask, many: ManyMatches::Ask, ..link(By::Email, Object::Contact) },
            ],
            none: NoMatch::CreateContact,
        }
    }
}

/// What the rules come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<T> {
    Link { target: T, rule: LinkRule },
    Ask,
    Create(LinkObject),
    Nothing,
}

/// Why a list of rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    #[error("A list has at most 20 rules.")]
    TooMany,
    #[error("The reference in a message belongs to a contact's text; it cannot find a lead.")]
    ReferenceFindsNoLead,
    #[error("Two rules ask for the same match. Remove one of them.")]
    Twice,
}

impl LinkRules {
    /// Checks what a person set.
    ///
    /// # Errors
    /// Says what is wrong, in words for that person.
    pub fn check(&self) -> Result<(), InvalidRules> {
        if self.rules.len() > MOST_RULES {
            return Err(InvalidRules::TooMany);
        }
        for (place, rule) in self.rules.iter().enumerate() {
            if (rule.by, rule.object) == (MatchBy::Reference, LinkObject::Lead) {
                return Err(InvalidRules::ReferenceFindsNoLead);
            }
            if self.rules[..place].iter().any(|other| (other.by, other.object) == (rule.by, rule.object)) {
                return Err(InvalidRules::Twice);
            }
        }
        Ok(())
    }

    /// Tries the rules in their order. `find` gives the matches of one, the newest first.
    ///
    /// # Errors
    /// The error of `find`.
    pub fn decide<T, E>(&self, mut find: impl FnMut(&LinkRule) -> Result<Vec<T>, E>) -> Result<Decision<T>, E> {
        for rule in &self.rules {
            let mut found = find(rule)?;
            match (found.len(), rule.one, rule.many) {
                (0, ..) | (1, OneMatch::Next, _) | (2.., _, ManyMatches::Next) => {}
                (1, OneMatch::Link, _) | (2.., _, ManyMatches::LinkNewest) => {
                    return Ok(Decision::Link { target: found.swap_remove(0), rule: *rule });
                }
                (1, OneMatch::Ask, _) | (2.., _, ManyMatches::Ask) => return Ok(Decision::Ask),
            }
        }
        Ok(match self.none {
            NoMatch::CreateContact => Decision::Create(LinkObject::Contact),
            NoMatch::CreateLead => Decision::Create(LinkObject::Lead),
            NoMatch::Ask => Decision::Ask,
            NoMatch::Nothing => Decision::Nothing,
        })
    }
}

impl LinkingSettings {
    /// The rules that hold on a channel.
    #[must_use]
    pub fn of(&self, channel_id: ChannelId) -> &LinkRules {
        self.channels.get(&channel_id).unwrap_or(&self.workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rule(by: MatchBy, one: OneMatch, many: ManyMatches) -> LinkRule {
        LinkRule { by, object: LinkObject::Contact, one, many }
    }

    fn decide(rules: &[LinkRule], none: NoMatch, found: &[(MatchBy, &[u8])]) -> Decision<u8> {
        let rules = LinkRules { rules: rules.to_vec(), none };
        let of = |by| found.iter().find(|each| each.0 == by).map_or(Vec::new(), |each| each.1.to_vec());
        rules.decide(|rule| Ok::<_, ()>(of(rule.by))).unwrap()
    }

    #[test]
    fn the_first_rule_with_something_to_do_decides() {
        use {ManyMatches as Many, MatchBy as By, OneMatch as One};
        let rules = [
            rule(By::Reference, One::Next, Many::Next),
            rule(By::Phone, One::Link, Many::Ask),
            rule(By::Email, One::Ask, Many::LinkNewest),
        ];
        let link = |target, rule| Decision::Link { target, rule };
        for (found, expected) in [
            (&[(By::Reference, &[1][..]), (By::Phone, &[2])][..], link(2, rules[1])),
            (&[(By::Phone, &[2, 3]), (By::Email, &[4])], Decision::Ask),
            (&[(By::Email, &[4])], Decision::Ask),
            (&[(By::Email, &[5, 4])], link(5, rules[2])),
            (&[(By::Reference, &[1, 2])], Decision::Nothing),
        ] {
            assert_eq!(decide(&rules, NoMatch::Nothing, found), expected, "{found:?}");
        }
    }

    #[test]
    fn what_happens_when_nothing_matches() {
        for (none, expected) in [
            (NoMatch::CreateContact, Decision::Create(LinkObject::Contact)),
            (NoMatch::CreateLead, Decision::Create(LinkObject::Lead)),
            (NoMatch::Ask, Decision::Ask),
            (NoMatch::Nothing, Decision::Nothing),
        ] {
            assert_eq!(decide(&[], none, &[]), expected);
        }
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        let phone = rule(MatchBy::Phone, OneMatch::Link, ManyMatches::Ask);
        let of = |rules: Vec<LinkRule>| LinkRules { rules, none: NoMatch::Ask }.check();
        assert_eq!(of(vec![phone, LinkRule { object: LinkObject::Lead, ..phone }]), Ok(()));
        assert_eq!(of(vec![phone, LinkRule { one: OneMatch::Ask, ..phone }]), Err(InvalidRules::Twice));
        let reference = LinkRule { by: MatchBy::Reference, object: LinkObject::Lead, ..phone };
        assert_eq!(of(vec![reference]), Err(InvalidRules::ReferenceFindsNoLead));
        assert_eq!(of(vec![phone; 21]), Err(InvalidRules::TooMany));
        assert_eq!(LinkRules::default().check(), Ok(()));
    }
}

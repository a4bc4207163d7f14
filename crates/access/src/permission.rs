//! The one table of what roles may do.

use segue_model::{actor::Actor, role::Role};

use crate::AccessError;

segue_model::text_enum! {
    /// One thing that can be allowed.
    pub enum Permission {
        /// Users, API keys, workspace settings.
        ManageAccess = "manage_access",
        /// Channels, senders, queues and flows: change them.
        ManageSetup = "manage_setup",
        /// Channels, senders, queues, flows, templates: see them.
        ReadSetup = "read_setup",
        /// See contacts, lists and consent.
        ReadContacts = "read_contacts",
        /// Create and change contacts and lists.
        WriteContacts = "write_contacts",
        /// Delete contacts.
        DeleteContacts = "delete_contacts",
        /// Find duplicates, merge contacts and take merges back.
        MergeContacts = "merge_contacts",
        /// Append to the consent ledger.
        RecordConsent = "record_consent",
        /// Import files of contacts.
        ImportContacts = "import_contacts",
        /// See campaigns and their results.
        ReadCampaigns = "read_campaigns",
        /// Write, test, start and stop campaigns.
        RunCampaigns = "run_campaigns",
        /// See and answer conversations offered to or owned by oneself.
        Converse = "converse",
        /// See and steer every conversation.
        Supervise = "supervise",
        /// Leads and cases.
        WriteCrm = "write_crm",
        /// Look into and settle dead letters.
        ManageDeadLetters = "manage_dead_letters",
    }
}

/// Whether a role has a permission.
#[must_use]
pub const fn allows(role: Role, permission: Permission) -> bool {
    use Permission::{
        Converse, DeleteContacts, ImportContacts, ManageAccess, ManageDeadLetters, ManageSetup, MergeContacts,
        ReadCampaigns, ReadContacts, ReadSetup, RecordConsent, RunCampaigns, Supervise, WriteContacts, WriteCrm,
    };
    match role {
        Role::Admin => true,
        Role::Supervisor => match permission {
            ReadSetup | ReadContacts | WriteContacts | MergeContacts | RecordConsent | ReadCampaigns | RunCampaigns
            | Converse | Supervise | WriteCrm | ManageDeadLetters => true,
            ManageAccess | ManageSetup | DeleteContacts | ImportContacts => false,
        },
        Role::Agent => match permission {
            ReadSetup | ReadContacts | WriteContacts | RecordConsent | Converse | WriteCrm => true,
            ManageAccess | ManageSetup | DeleteContacts | MergeContacts | ImportContacts | ReadCampaigns
            | RunCampaigns | Supervise | ManageDeadLetters => false,
        },
        Role::Marketer => match permission {
            ReadSetup | ReadContacts | WriteContacts | MergeContacts | RecordConsent | ImportContacts
            | ReadCampaigns | RunCampaigns => true,
            ManageAccess | ManageSetup | DeleteContacts | Converse | Supervise | WriteCrm | ManageDeadLetters => false,
        },
    }
}

/// Refuses unless the actor's role has the permission.
///
/// # Errors
/// [`AccessError::Forbidden`].
pub fn require(actor: &Actor, permission: Permission) -> Result<(), AccessError> {
    if allows(actor.role(), permission) {
        return Ok(());
    }
    Err(AccessError::Forbidden { role: actor.role(), permission })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_given_to_those_who_may_converse() {
        for role in Role::ALL {
            assert_eq!(role.may_converse(), allows(*role, Permission::Converse), "{role}");
        }
    }

    /// The whole table as people read it; a change of it has to be made here too.
    #[test]
    fn golden_matrix() {
        let mut table = String::new();
        for permission in Permission::ALL {
            let row: Vec<&str> =
                Role::ALL.iter().map(|role| if allows(*role, *permission) { "yes" } else { "-" }).collect();
            table.push_str(&format!("{permission:<20} {}\n", row.join(" ")));
        }
        let expected = "\
manage_access        yes - - -
manage_setup         yes - - -
read_setup           yes yes yes yes
read_contacts        yes yes yes yes
write_contacts       yes yes yes yes
delete_contacts      yes - - -
merge_contacts       yes yes - yes
record_consent       yes yes yes yes
import_contacts      yes - - yes
read_campaigns       yes yes - yes
run_campaigns        yes yes - yes
converse             yes yes yes -
supervise            yes yes - -
write_crm            yes yes yes -
manage_dead_letters  yes yes - -
";
        assert_eq!(table, expected);
    }
}

//! Roles of users and API keys. What a role may do is decided in the `access` crate, in one place.

crate::text_enum! {
    /// A set of permissions with a name.
    pub enum Role {
        /// Everything, users and channels included.
        Admin = "admin",
        /// Sees and steers all conversations and campaigns.
        Supervisor = "supervisor",
        /// Talks to customers.
        Agent = "agent",
        /// Contacts, consent with evidence, campaigns.
        Marketer = "marketer",
    }
}

impl Role {
    /// Whether conversations can be given to somebody of this role.
    #[must_use]
    pub const fn may_converse(self) -> bool {
        match self {
            Self::Admin | Self::Supervisor | Self::Agent => true,
            Self::Marketer => false,
        }
    }
}

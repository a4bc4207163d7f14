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

//! Who asks for a change.

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, UserId, role::Role};

/// A person, a program or the product itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// Somebody who is signed in.
    User { id: UserId, name: String, role: Role },
    /// A program with an API key.
    ApiKey { id: ApiKeyId, name: String, role: Role },
    /// The product: workers, the command line, the customer's own messages.
    System,
}

impl Actor {
    /// The role that permissions are decided by; the product itself may do everything.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self {
            Self::User { role, .. } | Self::ApiKey { role, .. } => *role,
            Self::System => Role::Admin,
        }
    }

    /// The user, when it is one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        if let Self::User { id, .. } = self { Some(*id) } else { None }
    }

    /// How records name the actor: its id, or `system`.
    #[must_use]
    pub fn reference(&self) -> String {
        match self {
            Self::User { id, .. } => id.to_string(),
            Self::ApiKey { id, .. } => id.to_string(),
            Self::System => "system".to_owned(),
        }
    }
}

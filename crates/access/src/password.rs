//! Passwords as Argon2id.

use std::sync::OnceLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use segue_model::Ctx;

use crate::AccessError;

const SHORTEST: usize = 10;
const LONGEST: usize = 256;

/// Hashes a password, after checking that it is one. Takes tens of milliseconds: call it from a blocking task.
///
/// # Errors
/// [`AccessError::InvalidPassword`] with what to do.
pub fn hash(password: &str, ctx: &Ctx) -> Result<String, AccessError> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(AccessError::InvalidPassword("A password needs at least 10 characters."));
    }
    if length > LONGEST {
        return Err(AccessError::InvalidPassword("A password may have at most 256 characters."));
    }
    let salt = ctx.random_bytes::<16>();
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| AccessError::InvalidPassword("This password cannot be used. Choose another."))
}

/// Whether the password belongs to the hash. Without a hash it takes as long and is never true, so that an unknown
/// user cannot be told from a wrong password.
#[must_use]
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let nobody = || {
        NOBODY.get_or_init(|| {
            Argon2::default()
                .hash_password_with_salt(b"nobody has this password", &[7; 16])
                .map(|hash| hash.to_string())
                .unwrap_or_default()
        })
    };
    let text = hash.unwrap_or_else(|| nobody());
    let matches = PasswordHash::new(text)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
    matches && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_model::{ManualClock, Timestamp};

    #[test]
    fn only_the_right_password_verifies_and_salts_differ() {
        let ctx = Ctx::seeded(ManualClock::at(Timestamp(0)), 1);
        let first = hash("correct horse battery", &ctx).unwrap();
        let second = hash("correct horse battery", &ctx).unwrap();
        assert!(first.starts_with("$argon2id$v=19$"), "{first}");
        assert_ne!(first, second);
        assert!(verify("correct horse battery", Some(&first)));
        assert!(!verify("correct horse batterY", Some(&first)));
        assert!(!verify("nobody has this password", None));
        assert!(!verify("correct horse battery", Some("not a hash")));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        let ctx = Ctx::seeded(ManualClock::at(Timestamp(0)), 1);
        assert!(hash("short", &ctx).is_err());
        assert!(hash(&"x".repeat(257), &ctx).is_err());
    }
}

//! What can go wrong between the product and its database.

/// A failure of the store. None of them leaves half a command behind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be written or reached now: disk full, connection lost, shutting down. Trying again later
    /// may work.
    #[error("The database is not available: {0}")]
    Unavailable(String),
    /// A constraint refused the change.
    #[error("The change breaks the rule '{constraint}' of the database.")]
    Constraint {
        /// Name of the constraint or its columns, as the engine gives it.
        constraint: String,
    },
    /// A stored value is not what the code expects.
    #[error("A stored value cannot be read: {0}")]
    Corrupt(String),
    /// The statement is wrong: a defect of the product.
    #[error("A statement failed: {0}")]
    Statement(String),
    /// The command panicked; it was rolled back.
    #[error("The command failed unexpectedly and was rolled back: {0}")]
    Panicked(String),
    /// Another worker has taken over the row this one worked on; what this one did is rolled back.
    #[error("Another worker has taken this over.")]
    LeaseLost,
    /// The database is of a kind or version that is not safe to use.
    #[error("{0}")]
    Unsupported(String),
}

/// How the reason begins when there is no space left.
pub(crate) const DISK_FULL: &str = "the disk is full";

impl StoreError {
    /// Whether there was no space left: that stays so until somebody frees some.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why.starts_with(DISK_FULL))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, ConstraintViolation, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly, SystemIoFailure,
        };
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ConstraintViolation) => {
                let constraint = text.rsplit(": ").next().unwrap_or_default().to_owned();
                Self::Constraint { constraint }
            }
            Some(DiskFull) => Self::Unavailable(format!("{DISK_FULL} ({text})")),
            Some(SystemIoFailure | CannotOpen | DatabaseBusy | DatabaseLocked | ReadOnly) => Self::Unavailable(text),
            _ => Self::Statement(text),
        }
    }
}

impl From<::postgres::Error> for StoreError {
    fn from(error: ::postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let source = std::error::Error::source(&error);
            let lost = error.is_closed() || source.is_none_or(|source| source.is::<std::io::Error>());
            let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
            return if lost { Self::Unavailable(text) } else { Self::Statement(text) };
        };
        match db.code().code() {
            code if code.starts_with("23") => {
                Self::Constraint { constraint: db.constraint().unwrap_or(db.message()).to_owned() }
            }
            // A standby after a failover takes no writes.
            "25006" => Self::Unavailable(db.message().to_owned()),
            "53100" => Self::Unavailable(format!("{DISK_FULL} ({})", db.message())),
            code if code.starts_with("53") || code.starts_with("57") || code.starts_with("08") => {
                Self::Unavailable(db.message().to_owned())
            }
            code => Self::Statement(format!("{code}: {}", db.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_trouble() {
        let of = |code| StoreError::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
        let full = of(rusqlite::ffi::SQLITE_FULL);
        assert!(full.is_disk_full() && matches!(full, StoreError::Unavailable(_)), "{full}");
        let busy = of(rusqlite::ffi::SQLITE_BUSY);
        assert!(!busy.is_disk_full() && matches!(busy, StoreError::Unavailable(_)), "{busy}");
    }
}

//! Statements as constants that know both engines.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// How many statements were numbered.
static NUMBERED: AtomicUsize = AtomicUsize::new(0);

/// One statement. Written with `$n` parameters; SQLite numbers `$n` by first occurrence, so it gets `?n` instead.
pub struct Sql {
    /// Name of the constant, for errors and tests.
    pub name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    rewritten: OnceLock<String>,
    number: OnceLock<usize>,
}

impl Sql {
    /// A statement that is the same on both engines.
    #[must_use]
    pub const fn portable(name: &'static str, text: &'static str) -> Self {
        Self::divergent(name, text, text)
    }

    /// A statement that differs between the engines.
    #[must_use]
    pub const fn divergent(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { name, sqlite, postgres, rewritten: OnceLock::new(), number: OnceLock::new() }
    }

    /// Text for SQLite.
    pub fn sqlite(&self) -> &str {
        self.rewritten.get_or_init(|| number_parameters(self.sqlite))
    }

    /// Its place among the statements that were used: 0, 1, 2, …
    pub(crate) fn number(&self) -> usize {
        *self.number.get_or_init(|| NUMBERED.fetch_add(1, Ordering::Relaxed))
    }

    /// Text for PostgreSQL.
    #[must_use]
    pub const fn postgres(&self) -> &'static str {
        self.postgres
    }
}

/// `$1` becomes `?1` outside of quoted text.
fn number_parameters(text: &str) -> String {
    let mut quoted = false;
    text.chars()
        .map(|letter| {
            quoted ^= letter == '\'';
            if letter == '$' && !quoted { '?' } else { letter }
        })
        .collect()
}

/// Declares the statements of a module and its `STATEMENTS` list. One block per file.
#[macro_export]
macro_rules! sql {
    ($($(#[$meta:meta])* $name:ident = $($key:ident :)? $text:literal $(, $key2:ident : $text2:literal)?;)*) => {
        $( $(#[$meta])* static $name: $crate::Sql = $crate::sql!(@one $name $($key :)? $text $(, $key2 : $text2)?); )*
        /// The statements of this module.
        pub(crate) static STATEMENTS: &[&$crate::Sql] = &[$(&$name),*];
    };
    (@one $name:ident $text:literal) => { $crate::Sql::portable(stringify!($name), $text) };
    (@one $name:ident sqlite: $sqlite:literal, postgres: $postgres:literal) => {
        $crate::Sql::divergent(stringify!($name), $sqlite, $postgres)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_and_quoted_text_is_left_alone() {
        assert_eq!(number_parameters("SELECT $2, $1, 'US$5'"), "SELECT ?2, ?1, 'US$5'");
    }
}

//! `Debug` for types that hold personal data: the name of the type and nothing else.

/// Implements `Debug` without contents for each named type.
macro_rules! redacted_debug {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), " { redacted }"))
            }
        }
    )+};
}

pub(crate) use redacted_debug;

//! Enums whose values have one spelling everywhere: SQL, JSON and the screen.

/// A stored or received word is not a value of the enum it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' is not a {kind}")]
pub struct UnknownWord {
    /// Name of the enum.
    pub kind: &'static str,
    /// What was found.
    pub value: String,
}

/// An enum with one word per value, as [`text_enum!`](crate::text_enum!) declares them.
pub trait Word: Copy + Sized {
    /// The value's word.
    fn word(self) -> &'static str;
    /// Reads the word back.
    ///
    /// # Errors
    /// When the word is not one of the enum's.
    fn from_word(word: &str) -> Result<Self, UnknownWord>;
}

/// Declares a `Copy` enum with `as_str`, `parse`, `ALL`, `Display` and serde, all from one list of words.
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word used in SQL, JSON and on the screen.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// Reads the word back.
            ///
            /// # Errors
            /// When the word is not one of the enum's.
            pub fn parse(word: &str) -> Result<Self, $crate::text_enum::UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)+
                    other => Err($crate::text_enum::UnknownWord { kind: stringify!($name), value: other.to_owned() }),
                }
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]))
                    .build()
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $crate::text_enum::Word for $name {
            fn word(self) -> &'static str { self.as_str() }
            fn from_word(word: &str) -> Result<Self, $crate::text_enum::UnknownWord> { Self::parse(word) }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

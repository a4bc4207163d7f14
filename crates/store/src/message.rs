//! (being written)

crate::sql! {}

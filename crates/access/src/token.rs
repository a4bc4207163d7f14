//! Random tokens: 256 bits shown once as text, kept as SHA-256.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_model::Ctx;
use sha2::{Digest, Sha256};

/// A fresh token: its text and what is stored of it.
pub(crate) fn fresh(ctx: &Ctx, prefix: &str) -> (String, [u8; 32]) {
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(ctx.random_bytes::<32>()));
    let hash = hash(&text);
    (text, hash)
}

/// What is stored of a token. The token itself has full entropy, so a plain hash is enough.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
